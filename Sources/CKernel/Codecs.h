// What zlib's and zstd's functions take, for functions that are looked up at run time: the libraries' own headers need not
// be installed. Both layouts are part of the libraries' stable interfaces.
#pragma once

#include <stddef.h>

typedef struct {
    const unsigned char *next_in;
    unsigned int avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned int avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *zalloc;
    void *zfree;
    void *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} ck_z_stream;

typedef struct {
    const void *src;
    size_t size;
    size_t pos;
} ck_zstd_in;

typedef struct {
    void *dst;
    size_t size;
    size_t pos;
} ck_zstd_out;
