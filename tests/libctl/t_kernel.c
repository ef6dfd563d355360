/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels: good ones of each kind come out as they went in, bad ones are refused with their reason,
 * whatever is in them; and the cache, which is believed only as far as root is.
 */
#include <dirent.h>
#include <fcntl.h>
#include <lz4hc.h>
#include <lzma.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "check.h"
#include "elf_file.h"
#include "kernel.h"

#define ROOM (4 * ELF_SIZE)

static uint8_t elf[ELF_SIZE];
static struct froe *f;

/* --- packers --------------------------------------------------------------------------- */

static size_t pack_gzip(const void *p, size_t size, uint8_t *out)
{
	z_stream z = { .next_in = (void *)p, .avail_in = size, .next_out = out, .avail_out = ROOM };

	deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack_xz(const void *p, size_t size, uint8_t *out)
{
	size_t n = 0;

	REQUIRE(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, p, size, out, &n, ROOM) ==
	        LZMA_OK);
	return n;
}

static size_t pack_lzma(const void *p, size_t size, uint8_t *out)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_options_lzma o;

	lzma_lzma_preset(&o, 1);
	REQUIRE(lzma_alone_encoder(&l, &o) == LZMA_OK);
	l.next_in = p;
	l.avail_in = size;
	l.next_out = out;
	l.avail_out = ROOM;
	REQUIRE(lzma_code(&l, LZMA_FINISH) == LZMA_STREAM_END);
	lzma_end(&l);
	return ROOM - l.avail_out;
}

static size_t pack_zstd(const void *p, size_t size, uint8_t *out)
{
	return ZSTD_compress(out, ROOM, p, size, 3);
}

static size_t pack_lz4(const void *p, size_t size, uint8_t *out)
{
	uint32_t magic = 0x184c2102, n;

	n = LZ4_compress_HC(p, (char *)out + 8, size, ROOM - 8, 9);
	memcpy(out, &magic, 4);
	memcpy(out + 4, &n, 4);
	return n + 8;
}

static size_t pack_none(const void *p, size_t size, uint8_t *out)
{
	memcpy(out, p, size);
	return size;
}

static const struct {
	const char *name;
	size_t (*pack)(const void *p, size_t size, uint8_t *out);
	bool size_inside; /* it ends with its unpacked size already */
} kinds[] = {
	{ "gzip", pack_gzip, true },  { "xz", pack_xz, false },   { "lzma", pack_lzma, false },
	{ "zstd", pack_zstd, false }, { "lz4", pack_lz4, false }, { "elf", pack_none, true },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* A bzImage around a payload. */
static size_t make_bzimage(size_t kind, uint8_t *out)
{
	uint32_t start = 3 * 512, offset = 64, length, size = ELF_SIZE;
	uint16_t version = 0x20f;

	memset(out, 0xcc, start + offset);
	length = kinds[kind].pack(elf, ELF_SIZE, out + start + offset);
	if (!kinds[kind].size_inside) {
		memcpy(out + start + offset + length, &size, 4);
		length += 4;
	}
	out[0x1f1] = 2;
	memcpy(out + 0x1fe, "\x55\xaa", 2);
	memcpy(out + 0x202, "HdrS", 4);
	memcpy(out + 0x206, &version, 2);
	memcpy(out + 0x248, &offset, 4);
	memcpy(out + 0x24c, &length, 4);
	return start + offset + length;
}

/* --- unpacking ------------------------------------------------------------------------- */

/* The input lies at the very end of a heap block of its size: ASan sees any step beyond it. */
static int unpack(const void *p, size_t size, int fd, const char **why)
{
	uint8_t *exact = malloc(size ? size : 1);
	int rc;

	memcpy(exact, p, size);
	*why = "";
	rc = froe__kernel_unpack(exact, size, fd, why);
	free(exact);
	return rc;
}

static bool is_elf(int fd)
{
	static uint8_t got[ELF_SIZE + 1];

	return pread(fd, got, sizeof(got), 0) == ELF_SIZE && !memcmp(got, elf, ELF_SIZE);
}

static void test_good(void)
{
	static uint8_t packed[ROOM];
	const char *why;

	for (size_t i = 0; i < KINDS; i++) {
		for (int image = 0; image < 2; image++) {
			size_t n = image ? make_bzimage(i, packed)
			                 : kinds[i].pack(elf, ELF_SIZE, packed);
			int fd = memfd_create("out", 0), rc = unpack(packed, n, fd, &why);

			CHECK_EQ(rc, !image && i == KINDS - 1);
			if (!CHECK(rc == 1 || is_elf(fd)))
				fprintf(stderr, "%s: %s\n", kinds[i].name, why);
			close(fd);
		}
	}
}

/* Holes for the zero pages: that is what makes a second create cheap. */
static void test_holes(void)
{
	static uint8_t packed[ROOM];
	int fd = memfd_create("out", 0);
	const char *why;

	REQUIRE(unpack(packed, kinds[0].pack(elf, ELF_SIZE, packed), fd, &why) == 0);
	CHECK_EQ(lseek(fd, ELF_DATA, SEEK_HOLE), ELF_DATA + 0x2000);
	CHECK_EQ(lseek(fd, ELF_DATA + 0x2000, SEEK_DATA), ELF_DATA + 0x3000);
	close(fd);
}

static bool refused(const void *p, size_t size, const char *reason)
{
	int fd = memfd_create("out", 0), rc;
	const char *why;

	rc = unpack(p, size, fd, &why);
	close(fd);
	if (rc == -1 && strstr(why, reason))
		return true;
	fprintf(stderr, "rc %d, '%s', wanted '%s'\n", rc, why, reason);
	return false;
}

static void test_bad(void)
{
	static uint8_t image[ROOM], other[ELF_SIZE];
	size_t n = make_bzimage(1, image);
	uint32_t v;

	CHECK(refused("", 0, "neither"));
	CHECK(refused("MZ", 2, "neither"));
	CHECK(refused("\x1f\x8b\x08", 3, "neither"));
	CHECK(refused(image, n / 2, "cut short"));
	CHECK(refused(image, 600, "cut short"));
	v = 0x7fffffff;
	memcpy(image + 0x248, &v, 4);
	CHECK(refused(image, n, "boot header is damaged"));
	make_bzimage(1, image);
	v = ~0u;
	memcpy(image + 0x24c, &v, 4);
	CHECK(refused(image, n, "boot header is damaged"));
	make_bzimage(1, image);
	image[0x1f1] = 255;
	CHECK(refused(image, n, "")); /* somewhere in the packed data */
	make_bzimage(1, image);
	image[0x207] = 1;
	CHECK(refused(image, n, "before 2.6.24"));
	make_bzimage(1, image);
	image[n - 1] ^= 1; /* the size that it claims */
	CHECK(refused(image, n, "damaged"));
	/* Well packed, but not what can be started. */
	memcpy(other, elf, ELF_SIZE);
	((Elf64_Ehdr *)other)->e_machine = EM_AARCH64;
	CHECK(refused(other, ELF_SIZE, "another architecture"));
	n = pack_gzip(other, ELF_SIZE, image);
	CHECK(refused(image, n, "another architecture"));
	n = pack_gzip("no kernel at all, but a text that is long enough for one, is it not so?", 72,
	              image);
	CHECK(refused(image, n, "no ELF file"));
	n = pack_zstd("short", 5, image);
	CHECK(refused(image, n < 16 ? 16 : n, "too short"));
}

/* Half a gibibyte of nothing in a few kilobytes. */
static void test_bomb(void)
{
	static uint8_t packed[ROOM], zeroes[1 << 20];
	ZSTD_outBuffer out = { packed, ROOM, 0 };
	ZSTD_CStream *z = ZSTD_createCStream();

	for (int i = 0; i <= 512; i++) {
		ZSTD_inBuffer in = { zeroes, sizeof(zeroes), 0 };

		REQUIRE(!ZSTD_isError(ZSTD_compressStream(z, &out, &in)) && in.pos == in.size);
	}
	REQUIRE(ZSTD_endStream(z, &out) == 0);
	ZSTD_freeCStream(z);
	CHECK(refused(packed, out.pos, "more than 512 MiB"));
}

/* Any byte may be any other, any file may end early: no answer but a reason or the right kernel. */
static void test_fuzz(void)
{
	static uint8_t image[ROOM], bad[ROOM];
	unsigned refusals = 0, rounds = getenv("SOAK") ? 1000 : 400;

	for (size_t i = 0; i < KINDS; i++) {
		size_t n = make_bzimage(i, image);

		for (unsigned round = 0; round < rounds; round++) {
			size_t size = check_random() % 4 ? n : check_random() % n;
			int fd = memfd_create("out", 0), rc;
			const char *why;

			memcpy(bad, image, n);
			for (unsigned k = check_random() % 4 + 1; k; k--) {
				/* Mostly where the sizes are. */
				size_t at = check_random() % 3 ? 0x1f1 + check_random() % 0x60
				                               : check_random() % n;

				bad[at] = check_random();
			}
			rc = unpack(bad, size, fd, &why);
			CHECK(rc == 0 || (rc == -1 && *why));
			refusals += rc < 0;
			close(fd);
		}
	}
	CHECK(refusals > rounds);
}

/* --- ELF ------------------------------------------------------------------------------- */

static int parse(const void *p, size_t size, struct elf_image *out, const char **why)
{
	uint8_t *exact = malloc(size ? size : 1);
	int rc;

	memcpy(exact, p, size);
	rc = froe__elf_parse(exact, size, out, why);
	free(exact);
	return rc;
}

#define BAD_ELF(reason, change)                                                                    \
	do {                                                                                       \
		struct elf_file *b = (struct elf_file *)bad;                                       \
		memcpy(bad, elf, ELF_SIZE);                                                        \
		change;                                                                            \
		if (!CHECK(parse(bad, ELF_SIZE, &out, &why) == -1 && strstr(why, reason)))         \
			fprintf(stderr, "%s: %s\n", #change, why ? why : "(good)");                \
	} while (0)

static void test_elf(void)
{
	static uint8_t bad[ELF_SIZE];
	struct elf_image out;
	const char *why;

	REQUIRE(parse(elf, ELF_SIZE, &out, &why) == 0);
	CHECK_EQ(out.entry, ELF_LOAD + 0x40);
	CHECK_EQ(out.count, 2);
	CHECK_EQ(out.low, ELF_LOAD);
	CHECK_EQ(out.high, ELF_LOAD2 + 0x100000);
	CHECK_EQ(out.segment[1].offset, ELF_DATA);
	CHECK_EQ(out.segment[1].filesz, ELF_SIZE - ELF_DATA);
	BAD_ELF("no ELF", b->e.e_ident[1] = 'e');
	BAD_ELF("another architecture", b->e.e_ident[EI_DATA] = ELFDATA2MSB);
	BAD_ELF("another architecture", b->e.e_machine = EM_386);
	BAD_ELF("no executable", b->e.e_type = ET_REL);
	BAD_ELF("program headers", b->e.e_phnum = 0);
	BAD_ELF("program headers", b->e.e_phnum = 0xffff);
	BAD_ELF("program headers", b->e.e_phentsize = 32);
	BAD_ELF("cut short", b->e.e_phoff = ELF_SIZE - 8);
	BAD_ELF("cut short", b->e.e_phoff = ~0ul);
	BAD_ELF("cut short", b->p[0].p_offset = ELF_SIZE - 1);
	BAD_ELF("cut short", b->p[0].p_offset = ~0ul - 4);
	BAD_ELF("cut short", b->p[1].p_filesz = ~0ul);
	BAD_ELF("larger in the file", b->p[1].p_memsz = 1);
	BAD_ELF("above 4 GiB", b->p[1].p_paddr = 0xfff00001);
	BAD_ELF("above 4 GiB", b->p[1].p_paddr = ~0ul - 0xfff);
	BAD_ELF("above 4 GiB", b->p[1].p_memsz = ~0ul);
	BAD_ELF("first page", b->p[0].p_paddr = 0);
	BAD_ELF("overlap", b->p[1].p_paddr = ELF_LOAD + 0x1000);
	BAD_ELF("nothing to load", b->p[0].p_type = b->p[1].p_type = PT_NULL);
	BAD_ELF("no PVH entry", b->p[2].p_type = PT_NULL);
	BAD_ELF("no PVH entry", b->n.n_type = 17);
	BAD_ELF("notes are damaged", b->n.n_descsz = 0x100);
	BAD_ELF("notes are damaged", b->n.n_namesz = ~0u);
	BAD_ELF("entry note is damaged", (b->n.n_descsz = 2));
	BAD_ELF("outside", b->entry = ELF_LOAD - 1);
	BAD_ELF("outside", b->entry = ELF_LOAD2 + 0x100000);
	for (size_t n = 0; n < 0x200; n++)
		CHECK(parse(elf, n, &out, &why) == -1 && why);
	for (unsigned round = 0; round < 20000; round++) {
		memcpy(bad, elf, ELF_SIZE);
		for (unsigned k = check_random() % 3 + 1; k; k--)
			bad[check_random() % sizeof(struct elf_file)] = check_random();
		if (parse(bad, ELF_SIZE, &out, &why) == 0)
			for (uint32_t i = 0; i < out.count; i++)
				CHECK(out.segment[i].offset + out.segment[i].filesz <= ELF_SIZE);
	}
}

/* --- the cache ------------------------------------------------------------------------- */

static int cached(char names[8][400])
{
	char path[128];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/cache", check_folder);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && n < 8)
			snprintf(names[n++], 400, "%s/%s", path, e->d_name);
	if (d)
		closedir(d);
	return n;
}

static bool maps(const char *path)
{
	struct file_map m = { 0 };
	bool good = froe__kernel_map(f, path, &m) == 0 && m.size == ELF_SIZE &&
	            !memcmp(m.data, elf, ELF_SIZE);

	froe__file_unmap(&m);
	return good;
}

static void test_cache(void)
{
	static uint8_t packed[ROOM];
	size_t n = make_bzimage(1, packed);
	char path[128], names[8][400];
	struct stat before, after;
	int fd;

	snprintf(path, sizeof(path), "%s/cache", check_folder);
	setenv("FROE_CACHE_DIR", path, 1);
	strcpy(path, check_file("vmlinuz", packed, n));
	CHECK(maps(path));
	REQUIRE(cached(names) == 1);
	REQUIRE(stat(names[0], &before) == 0);
	CHECK_EQ(before.st_mode & 07777, 0600);
	/* What is there is used: a change of it shows, and it is not made again. */
	fd = open(names[0], O_WRONLY);
	CHECK(pwrite(fd, "!", 1, ELF_TEXT + 1) == 1);
	CHECK(!maps(path));
	CHECK(pwrite(fd, elf + ELF_TEXT + 1, 1, ELF_TEXT + 1) == 1);
	CHECK(maps(path));
	/* What somebody else could have written is not. */
	CHECK(pwrite(fd, "!", 1, ELF_TEXT + 1) == 1);
	CHECK(fchmod(fd, 0644) == 0);
	close(fd);
	CHECK(maps(path));
	REQUIRE(cached(names) == 1);
	REQUIRE(stat(names[0], &after) == 0);
	CHECK(after.st_ino != before.st_ino && (after.st_mode & 07777) == 0600);
	/* Nor what is no kernel. */
	REQUIRE(truncate(names[0], 3) == 0);
	CHECK(maps(path));
	/* Another state of the file is another kernel; a few are kept, those that were used last.
	 */
	for (int i = 0; i < 6; i++) {
		check_file("vmlinuz", packed, n);
		CHECK(utimensat(AT_FDCWD, path, (struct timespec[]){ { i, 0 }, { i, 0 } }, 0) == 0);
		CHECK(maps(path));
	}
	CHECK_EQ(cached(names), 4);
	/* An ELF file is mapped as it is. */
	strcpy(path, check_file("vmlinux", elf, ELF_SIZE));
	CHECK(maps(path));
	CHECK_EQ(cached(names), 4);
	/* A folder of others is none; then it works without. */
	snprintf(path, sizeof(path), "%s/cache", check_folder);
	CHECK(chmod(path, 0777) == 0);
	strcpy(path, check_file("vmlinuz", packed, n));
	CHECK(maps(path));
	CHECK_EQ(cached(names), 4);
}

static void *one_of_many(void *path)
{
	struct froe *own = froe_open();
	struct file_map m = { 0 };
	bool good = froe__kernel_map(own, path, &m) == 0 && m.size == ELF_SIZE &&
	            !memcmp(m.data, elf, ELF_SIZE);

	froe__file_unmap(&m);
	froe_close(own);
	return good ? path : NULL;
}

/* All at once from one kernel that is not there yet. */
static void test_race(void)
{
	static uint8_t packed[ROOM];
	pthread_t thread[8];
	char path[128], names[8][400];
	void *good;

	snprintf(path, sizeof(path), "%s/cache", check_folder);
	CHECK(chmod(path, 0700) == 0);
	strcpy(path, check_file("raced", packed, make_bzimage(0, packed)));
	for (int i = 0; i < 8; i++)
		REQUIRE(pthread_create(&thread[i], NULL, one_of_many, path) == 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(thread[i], &good);
		CHECK(good);
	}
	CHECK_EQ(cached(names), 4);
}

/* The kernel that the control domain runs, which the image's build unpacked in its own way. */
static void test_debian(void)
{
	const char *from = getenv("KERNEL"), *as = getenv("VMLINUX");
	struct file_map ours = { 0 }, theirs = { 0 };
	struct elf_image out;
	const char *why;

	REQUIRE(from && as);
	REQUIRE(froe__kernel_map(f, from, &ours) == 0);
	REQUIRE(froe__file_map(f, as, "kernel", &theirs) == 0);
	CHECK_EQ(ours.size, theirs.size);
	CHECK(ours.size == theirs.size && !memcmp(ours.data, theirs.data, ours.size));
	CHECK(froe__elf_parse(ours.data, ours.size, &out, &why) == 0);
	froe__file_unmap(&ours);
	froe__file_unmap(&theirs);
}

static void test_public(void)
{
	static uint8_t packed[ROOM];
	size_t n = make_bzimage(2, packed);
	char from[128], to[128];
	int fd;

	strcpy(from, check_file("a", packed, n));
	snprintf(to, sizeof(to), "%s/b", check_folder);
	REQUIRE(froe_kernel_unpack(f, from, to) == 0);
	fd = open(to, O_RDONLY);
	CHECK(is_elf(fd));
	close(fd);
	strcpy(from, check_file("a", packed, n - 40));
	CHECK_FAILS(f, froe_kernel_unpack(f, from, to), FROE_INVALID, "cut short");
	CHECK(strstr(froe_error(f), from));
	fd = open(to, O_RDONLY); /* what was there stays */
	CHECK(is_elf(fd));
	close(fd);
	CHECK_FAILS(f, froe_kernel_unpack(f, "/nothing", to), FROE_NOT_FOUND, "/nothing");
	CHECK_FAILS(f, froe_kernel_unpack(f, "/", to), FROE_INVALID, "not a file");
	strcpy(from, check_file("a", packed, 0));
	CHECK_FAILS(f, froe_kernel_unpack(f, from, to), FROE_INVALID, "empty");
	strcpy(from, check_file("a", packed, n));
	CHECK_FAILS(f, froe_kernel_unpack(f, from, "/nowhere/b"), FROE_FAIL, "/nowhere/b");
}

void test_main(void)
{
	f = froe_open();
	elf_make(elf);
	test_good();
	test_holes();
	test_bad();
	test_bomb();
	test_elf();
	test_cache();
	test_race();
	test_public();
	test_debian();
	test_fuzz();
	froe_close(f);
}
