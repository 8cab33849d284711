// The CRC32C instruction of the processor, which Swift has no name for.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
#define CK_CRC_TARGET __attribute__((target("sse4.2")))
#define CK_CRC_8(crc, value) __builtin_ia32_crc32di((crc), (value))
#define CK_CRC_1(crc, value) __builtin_ia32_crc32qi((uint32_t)(crc), (value))
#elif defined(__aarch64__)
#define CK_CRC_TARGET __attribute__((target("crc")))
#define CK_CRC_8(crc, value) __builtin_arm_crc32cd((uint32_t)(crc), (value))
#define CK_CRC_1(crc, value) __builtin_arm_crc32cb((uint32_t)(crc), (value))
#endif

// Whether ck_crc32c() may be called on this machine.
static inline int ck_crc32c_available(void) {
#if defined(__x86_64__)
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ecx >> 20) & 1;
#elif defined(__aarch64__)
    return (getauxval(AT_HWCAP) >> 7) & 1;
#else
    return 0;
#endif
}

// Bytes of one lane. Three lanes run side by side because the instruction has a latency of three cycles and one can
// start every cycle. The tables that Swift hands in move a checksum over as many zero bytes.
#define CK_CRC_LONG 4096
#define CK_CRC_SHORT 256

#if defined(CK_CRC_TARGET)

static inline uint64_t ck_load8(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static inline uint32_t ck_crc32c_shift(const uint32_t *table, uint32_t crc) {
    return table[crc & 0xFF] ^ table[256 + ((crc >> 8) & 0xFF)] ^ table[512 + ((crc >> 16) & 0xFF)]
        ^ table[768 + (crc >> 24)];
}

CK_CRC_TARGET static inline uint32_t ck_crc32c_lanes(
    uint32_t crc, const uint8_t *at, size_t lane, const uint32_t *shift) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < lane; i += 8) {
        a = CK_CRC_8(a, ck_load8(at + i));
        b = CK_CRC_8(b, ck_load8(at + lane + i));
        c = CK_CRC_8(c, ck_load8(at + 2 * lane + i));
    }
    crc = ck_crc32c_shift(shift, (uint32_t)a) ^ (uint32_t)b;
    return ck_crc32c_shift(shift, crc) ^ (uint32_t)c;
}

// `crc` is the register: not inverted before or after.
CK_CRC_TARGET static inline uint32_t ck_crc32c(
    uint32_t crc, const void *bytes, size_t count, const uint32_t *shiftLong, const uint32_t *shiftShort) {
    const uint8_t *at = (const uint8_t *)bytes;
    while (count >= 3 * CK_CRC_LONG) {
        crc = ck_crc32c_lanes(crc, at, CK_CRC_LONG, shiftLong);
        at += 3 * CK_CRC_LONG;
        count -= 3 * CK_CRC_LONG;
    }
    while (count >= 3 * CK_CRC_SHORT) {
        crc = ck_crc32c_lanes(crc, at, CK_CRC_SHORT, shiftShort);
        at += 3 * CK_CRC_SHORT;
        count -= 3 * CK_CRC_SHORT;
    }
    uint64_t rest = crc;
    for (; count >= 8; at += 8, count -= 8) rest = CK_CRC_8(rest, ck_load8(at));
    crc = (uint32_t)rest;
    for (; count > 0; at += 1, count -= 1) crc = CK_CRC_1(crc, *at);
    return crc;
}

#else

static inline uint32_t ck_crc32c(
    uint32_t crc, const void *bytes, size_t count, const uint32_t *shiftLong, const uint32_t *shiftShort) {
    (void)bytes, (void)count, (void)shiftLong, (void)shiftShort;
    return crc; // Never called: ck_crc32c_available() says 0.
}

#endif
