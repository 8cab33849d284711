/* A client that is nobody's product, for measuring brokers: librdkafka with as little around it as possible.
 *
 *     client produce HOST:PORT TOPIC RECORDS BYTES     acks=1, records of text that no two batches share
 *     client consume HOST:PORT TOPIC RECORDS           from the beginning of partition 0
 *     client tail HOST:PORT TOPIC SECONDS RATE         so many records a second of 1 KB, read at the end of partition 0
 *
 * Prints the seconds it took, or, for `tail`, milliseconds from sending to reading: median, 99 % and most, and the same
 * from sending to the acknowledgement. Exit status 0 when every record was acknowledged or read.
 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
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

enum { MOST_SAMPLES = 1 << 20, TAIL_BYTES = 1000 };
static double read_ms[MOST_SAMPLES], acknowledged_ms[MOST_SAMPLES];
static long reads, wanted_reads;

static double sent_at(const rd_kafka_message_t *message) {
    double at;
    memcpy(&at, message->payload, sizeof at);
    return at;
}

static void acknowledged_at(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err) refused++;
    else if (acknowledged < MOST_SAMPLES) acknowledged_ms[acknowledged++] = (seconds() - sent_at(message)) * 1000;
}

static void *read_tail(void *opaque) {
    rd_kafka_topic_t *source = opaque;
    double last = seconds();
    while (reads < wanted_reads && seconds() - last < PATIENCE_MS / 1000) {
        rd_kafka_message_t *message = rd_kafka_consume(source, 0, 200);
        if (!message) continue;
        if (!message->err) read_ms[reads++] = (seconds() - sent_at(message)) * 1000, last = seconds();
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(double *samples, long count) {
    qsort(samples, (size_t)count, sizeof *samples, ascending);
    printf("%.2f %.2f %.2f ", samples[count / 2], samples[count * 99 / 100], samples[count - 1]);
}

static int tail(rd_kafka_conf_t *conf, const char *topic, long duration, long rate) {
    rd_kafka_conf_t *reading = rd_kafka_conf_dup(conf);
    set(conf, "acks", "1");
    set(conf, "linger.ms", "0");
    rd_kafka_conf_set_dr_msg_cb(conf, acknowledged_at);
    rd_kafka_t *producer = connect_as(RD_KAFKA_PRODUCER, conf), *consumer = connect_as(RD_KAFKA_CONSUMER, reading);
    rd_kafka_topic_t *target = rd_kafka_topic_new(producer, topic, NULL);
    rd_kafka_topic_t *source = rd_kafka_topic_new(consumer, topic, NULL);
    wanted_reads = duration * rate < MOST_SAMPLES ? duration * rate : MOST_SAMPLES;
    rd_kafka_consume_start(source, 0, RD_KAFKA_OFFSET_END);
    /* Until the end is known, nothing is sent, or it would be missed. */
    rd_kafka_message_t *none = rd_kafka_consume(source, 0, 2000);
    if (none) rd_kafka_message_destroy(none);
    pthread_t reader;
    pthread_create(&reader, NULL, read_tail, source);
    char record[TAIL_BYTES] = {0};
    double start = seconds();
    for (long i = 0; i < wanted_reads; i++) {
        double due = start + (double)i / (double)rate;
        do rd_kafka_poll(producer, seconds() < due ? 1 : 0);
        while (seconds() < due);
        double now = seconds();
        memcpy(record, &now, sizeof now);
        if (rd_kafka_produce(target, 0, RD_KAFKA_MSG_F_COPY, record, sizeof record, NULL, 0, NULL)) refused++;
    }
    rd_kafka_flush(producer, PATIENCE_MS);
    pthread_join(reader, NULL);
    if (!reads || !acknowledged) return 1;
    show(read_ms, reads);
    show(acknowledged_ms, acknowledged);
    printf("\n");
    return refused || reads < wanted_reads;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: client produce|consume|tail HOST:PORT TOPIC RECORDS|SECONDS [BYTES|RATE]\n");
        return 2;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    long records = atol(argv[4]);
    int status;
    if (!strcmp(argv[1], "produce") && argc > 5) status = produce(conf, argv[3], records, (size_t)atol(argv[5]));
    else if (!strcmp(argv[1], "tail") && argc > 5) status = tail(conf, argv[3], records, atol(argv[5]));
    else status = consume(conf, argv[3], records);
    fflush(stdout);
    /* Nothing is worth a tidy end here, and tearing queues down takes long. */
    _Exit(status);
}
