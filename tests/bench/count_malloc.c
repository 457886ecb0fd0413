/*
 * Counts what a program asks of malloc, while it runs: preloaded into it (LD_PRELOAD), it adds to
 * the four numbers of the file that COUNT_MALLOC names, which any process may read at any time.
 * They are 64 bits each: allocations of the main thread, bytes of these, allocations of all other
 * threads, bytes of these. A realloc is one allocation.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

struct counts {
	_Atomic uint64_t allocations, bytes;
};

static struct counts *counts; /* [0] the main thread, [1] all others; NULL before the start */
static __thread char whose __attribute__((tls_model("initial-exec"))); /* 0: not known yet */

__attribute__((constructor)) static void count_malloc_start(void)
{
	const char *path = getenv("COUNT_MALLOC");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, 2 * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		counts = memory;
}

static void count(size_t bytes)
{
	if (!counts)
		return;
	if (!whose)
		whose = gettid() == getpid() ? 1 : 2;
	atomic_fetch_add_explicit(&counts[whose - 1].allocations, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counts[whose - 1].bytes, bytes, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count(size);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count(n * size);
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	count(size);
	return __libc_realloc(old, size);
}
