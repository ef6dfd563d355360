/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpacks kernels: the payload of a bzImage, in each format that Linux packs itself with.
 *
 * The input is anybody's. The libraries guard against streams that lie; what is guarded here are
 * the boot header's offsets, the size that comes out, and the memory that a stream may ask for.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include "kernel.h"

#define UNPACKED_MAX (512ul << 20)
#define MEMORY_MAX   (256ul << 20) /* of a decompressor, for its window */
#define PART         (1ul << 20)
#define HOLE         4096ul

/* Where the result goes; pages of zeroes become holes, which cost a cache in memory nothing. */
struct sink {
	int fd;
	uint64_t size;
	const char *why;
};

static const char damaged[] = "its compressed data is damaged or cut short";
static const char no_room[] = "no room to unpack it";

static bool is_zero(const uint8_t *p, size_t size)
{
	return !*p && !memcmp(p, p + 1, size - 1);
}

static bool write_all(int fd, const uint8_t *p, size_t size, uint64_t at)
{
	while (size) {
		ssize_t n = pwrite(fd, p, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		at += n;
		size -= n;
	}
	return true;
}

static bool sink_write(struct sink *s, const uint8_t *p, size_t size)
{
	if (size > UNPACKED_MAX - s->size) {
		s->why = "it unpacks to more than 512 MiB";
		return false;
	}
	while (size) {
		size_t n = HOLE - s->size % HOLE;

		/* As many pages with something in them as there are in a row. */
		n = n > size ? size : n;
		if (!is_zero(p, n)) {
			while (n < size && !is_zero(p + n, size - n < HOLE ? size - n : HOLE))
				n += size - n < HOLE ? size - n : HOLE;
			if (!write_all(s->fd, p, n, s->size)) {
				s->why = no_room;
				return false;
			}
		}
		p += n;
		size -= n;
		s->size += n;
	}
	return true;
}

/* What ends in a hole has its size all the same. */
static const char *finish(struct sink *s)
{
	return ftruncate(s->fd, s->size) < 0 ? no_room : NULL;
}

static bool unpack_gzip(struct sink *s, const uint8_t *p, size_t size, uint8_t *part)
{
	z_stream z = { .next_in = (uint8_t *)p, .avail_in = size };
	int rc = inflateInit2(&z, 16 + MAX_WBITS); /* with gzip's header and checksum */
	bool good = false;

	while (rc == Z_OK) {
		z.next_out = part;
		z.avail_out = PART;
		rc = inflate(&z, Z_NO_FLUSH);
		if ((rc == Z_OK && z.avail_out == PART) || (rc != Z_OK && rc != Z_STREAM_END))
			break;
		if (!sink_write(s, part, PART - z.avail_out))
			break;
		good = rc == Z_STREAM_END;
	}
	inflateEnd(&z);
	return good;
}

static bool unpack_lzma(struct sink *s, const uint8_t *p, size_t size, uint8_t *part, bool alone)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_ret rc = alone ? lzma_alone_decoder(&l, MEMORY_MAX)
	                    : lzma_stream_decoder(&l, MEMORY_MAX, 0);

	l.next_in = p;
	l.avail_in = size;
	while (rc == LZMA_OK) {
		l.next_out = part;
		l.avail_out = PART;
		rc = lzma_code(&l, LZMA_RUN);
		if (rc == LZMA_OK && l.avail_out == PART)
			rc = LZMA_BUF_ERROR;
		if ((rc == LZMA_OK || rc == LZMA_STREAM_END) &&
		    !sink_write(s, part, PART - l.avail_out))
			rc = LZMA_PROG_ERROR;
	}
	if (rc == LZMA_MEMLIMIT_ERROR)
		s->why = "unpacking it would take more than 256 MiB";
	lzma_end(&l);
	return rc == LZMA_STREAM_END;
}

static bool unpack_xz(struct sink *s, const uint8_t *p, size_t size, uint8_t *part)
{
	return unpack_lzma(s, p, size, part, false);
}

static bool unpack_alone(struct sink *s, const uint8_t *p, size_t size, uint8_t *part)
{
	return unpack_lzma(s, p, size, part, true);
}

static bool unpack_zstd(struct sink *s, const uint8_t *p, size_t size, uint8_t *part)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer in = { p, size, 0 };
	bool good = false;

	if (!z)
		return false;
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 28); /* MEMORY_MAX */
	while (!good) {
		ZSTD_outBuffer out = { part, PART, 0 };
		size_t before = in.pos, rc = ZSTD_decompressStream(z, &out, &in);

		if (ZSTD_isError(rc) || (rc && !out.pos && in.pos == before) ||
		    !sink_write(s, part, out.pos))
			break;
		good = rc == 0;
	}
	ZSTD_freeDStream(z);
	return good;
}

/* The frame that Linux uses: after the magic blocks of 8 MiB, each with its packed size in front.
 */
static bool unpack_lz4(struct sink *s, const uint8_t *p, size_t size, uint8_t *part)
{
	const size_t block = 8ul << 20;
	char *out = malloc(block);
	uint32_t n;
	bool good = false;

	p += 4;
	size -= 4;
	while (out && size >= 4) {
		memcpy(&n, p, 4);
		/* Frames may follow one another; behind the last stand the size and padding. */
		if (n == 0x184c2102) {
			p += 4;
			size -= 4;
			continue;
		}
		if (good && (!n || size < 8 || n > size - 4))
			break;
		if (n > size - 4 || n > (uint32_t)LZ4_compressBound(block))
			break;
		int got = LZ4_decompress_safe((const char *)p + 4, out, n, block);

		good = got > 0 && sink_write(s, (uint8_t *)out, got);
		if (!good)
			break;
		p += 4 + n;
		size -= 4 + n;
	}
	free(out);
	return good;
}

static const struct {
	uint8_t size;
	uint8_t magic[6];
	bool (*unpack)(struct sink *s, const uint8_t *p, size_t size, uint8_t *part);
} formats[] = {
	{ 3, { 0x1f, 0x8b, 8 }, unpack_gzip },
	{ 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, unpack_xz },
	{ 3, { 0x5d, 0, 0 }, unpack_alone },
	{ 4, { 0x28, 0xb5, 0x2f, 0xfd }, unpack_zstd },
	{ 4, { 0x02, 0x21, 0x4c, 0x18 }, unpack_lz4 },
};

static const char *unpack_payload(const uint8_t *p, size_t size, struct sink *s)
{
	uint8_t *part;
	bool good;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (size < 16 || memcmp(p, formats[i].magic, formats[i].size))
			continue;
		part = malloc(PART);
		if (!part)
			return "out of memory";
		good = formats[i].unpack(s, p, size, part);
		free(part);
		if (!good)
			return s->why ? s->why : damaged;
		return finish(s);
	}
	return "it is neither a Linux kernel nor an ELF file";
}

/* Linux x86 boot protocol: the setup header at 0x1f1, payload since version 2.08. */
static const char *unpack_bzimage(const uint8_t *p, size_t size, struct sink *s)
{
	uint32_t offset, length, start, claimed;
	uint16_t version;
	const char *why;

	memcpy(&version, p + 0x206, 2);
	memcpy(&offset, p + 0x248, 4);
	memcpy(&length, p + 0x24c, 4);
	start = ((p[0x1f1] ? p[0x1f1] : 4) + 1) * 512;
	if (version < 0x208)
		return "it is a kernel from before 2.6.24, whose payload cannot be found";
	if (start > size || offset > size - start || length > size - start - offset || length < 16)
		return "it is cut short, or its boot header is damaged";
	p += start + offset;
	if (!memcmp(p, "\177ELF", 4)) /* CONFIG_KERNEL_UNCOMPRESSED */
		return sink_write(s, p, length) ? finish(s) : s->why;
	why = unpack_payload(p, length, s);
	/* The payload's last word says what has to come out. */
	memcpy(&claimed, p + length - 4, 4);
	if (!why && claimed != s->size)
		why = damaged;
	return why;
}

__attribute__((visibility("default"))) const char *froe__unpack(const uint8_t *data, size_t size,
                                                                int fd)
{
	struct sink s = { .fd = fd };

	if (size >= 0x250 && !memcmp(data + 0x202, "HdrS", 4) && data[0x1fe] == 0x55 &&
	    data[0x1ff] == 0xaa)
		return unpack_bzimage(data, size, &s);
	return unpack_payload(data, size, &s);
}
