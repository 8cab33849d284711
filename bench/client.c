/* A client that is nobody's product, for measuring brokers: librdkafka with as little around it as possible.
 *
 *     client produce HOST:PORT TOPIC RECORDS BYTES     acks=1, records of text that no two batches share
 *     client consume HOST:PORT TOPIC RECORDS           from the beginning of partition 0
 *
 * Prints the seconds it took. Exit status 0 when every record was acknowledged or read.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT = 16 << 20, PATIENCE_MS = 30000 };

static long acknowledged, refused;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    message->err ? refused++ : acknowledged++;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "client: %s\n", why);
        exit(2);
    }
}

static rd_kafka_t *connect_as(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    if (!client) {
        fprintf(stderr, "client: %s\n", why);
        exit(2);
    }
    return client;
}

static char *text(void) {
    char *letters = malloc(TEXT);
    unsigned state = 1;
    for (int i = 0; i < TEXT; i++) {
        state = state * 1664525u + 1013904223u;
        letters[i] = (char)('0' + (state >> 24) % 64);
    }
    return letters;
}

static int produce(rd_kafka_conf_t *conf, const char *topic, long records, size_t bytes) {
    set(conf, "acks", "1");
    set(conf, "linger.ms", "5");
    set(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *client = connect_as(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *target = rd_kafka_topic_new(client, topic, NULL);
    char *letters = text();
    double start = seconds();
    for (long i = 0; i < records; i++) {
        char *from = letters + (size_t)i * 7919 % (TEXT - bytes);
        while (rd_kafka_produce(target, 0, RD_KAFKA_MSG_F_COPY, from, bytes, NULL, 0, NULL)) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) return 1;
            rd_kafka_poll(client, 5);
        }
        if (i % 4096 == 0) rd_kafka_poll(client, 0);
    }
    rd_kafka_flush(client, 10 * PATIENCE_MS);
    printf("%.3f\n", seconds() - start);
    return refused || acknowledged != records;
}

static int consume(rd_kafka_conf_t *conf, const char *topic, long records) {
    set(conf, "queued.max.messages.kbytes", "262144");
    rd_kafka_t *client = connect_as(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_t *source = rd_kafka_topic_new(client, topic, NULL);
    enum { SOME = 5000 };
    rd_kafka_message_t *messages[SOME];
    long count = 0;
    double start = seconds(), last = start;
    rd_kafka_consume_start(source, 0, RD_KAFKA_OFFSET_BEGINNING);
    while (count < records && seconds() - last < PATIENCE_MS / 1000) {
        ssize_t got = rd_kafka_consume_batch(source, 0, 200, messages, SOME);
        for (ssize_t i = 0; i < got; i++) {
            if (!messages[i]->err) count++, last = seconds();
            rd_kafka_message_destroy(messages[i]);
        }
    }
    printf("%.3f\n", last - start);
    return count < records;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: client produce|consume HOST:PORT TOPIC RECORDS [BYTES]\n");
        return 2;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    long records = atol(argv[4]);
    int status = !strcmp(argv[1], "produce") && argc > 5 ? produce(conf, argv[3], records, (size_t)atol(argv[5]))
                                                         : consume(conf, argv[3], records);
    fflush(stdout);
    /* Nothing is worth a tidy end here, and tearing queues down takes long. */
    _Exit(status);
}
