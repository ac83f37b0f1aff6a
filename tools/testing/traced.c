/*
 * A program to be traced, without a C library. It waits for a byte on its standard input, then calls its functions and
 * passes its probes as often as its argument says, and writes what it saw of its semaphore.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define NOINLINE __attribute__((noinline, used))

/* Written by the kernel, for each tracer one more. */
#define SEMAPHORE(name) \
	volatile unsigned short demo_##name##_semaphore __attribute__((section(".probes"), used))

SEMAPHORE(sizes);
SEMAPHORE(twice);
SEMAPHORE(bare);
SEMAPHORE(element);
SEMAPHORE(watched);

static volatile struct {
	char small;
	unsigned char byte;
	short word;
	int number;
	long large;
} values = { -7, 250, -300, -70000, -5000000000 };

static volatile int table[8] = { 10, 11, 12, 13, 14, 15, 16, 17 };
static volatile long sum;

#if defined(__x86_64__)
static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}
enum { READ = 0, WRITE = 1, EXIT = 231 };
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
enum { READ = 63, WRITE = 64, EXIT = 94 };
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl run\n");
#endif

NOINLINE long add(long a, long b)
{
	sum += a;
	return a + b;
}

NOINLINE long subtract(long a, long b)
{
	sum -= a;
	return a - b;
}

/* Two places of one probe, with the same arguments and with others. */
NOINLINE void pass(long i)
{
	STAP_PROBE5(demo, sizes, values.small, values.byte, values.word, values.number, values.large);
	STAP_PROBE2(demo, twice, i, 1);
	sum += i;
	STAP_PROBE2(demo, twice, i, 2);
	STAP_PROBE(demo, bare);
}

/* A register, and an element of an array: an operand of base, index and scale where the processor has such. */
NOINLINE void element(volatile int *base, long index)
{
#if defined(__x86_64__)
	__asm__ volatile(STAP_PROBE_ASM(demo, element, -8@%1 -4@(%0,%1,4) -4@4(%0,%1,4))
			 : : "r"(base), "r"(index), STAP_PROBE_ASM_OPERANDS(0));
#else
	__asm__ volatile(STAP_PROBE_ASM(demo, element, -8@%0) : : "r"(index), STAP_PROBE_ASM_OPERANDS(0));
#endif
	sum += base[index];
}

NOINLINE void watched(long i)
{
	sum += i;
	DTRACE_PROBE1(demo, watched, i);
}

NOINLINE void run(long *stack)
{
	const char *text = stack[0] > 1 ? (const char *)stack[2] : "1";
	long times = 0;
	char line[2], byte;

	while (*text >= '0' && *text <= '9')
		times = times * 10 + *text++ - '0';
	call(READ, 0, (long)&byte, 1);
	for (long i = 0; i < times; i++) {
		sum += add(i, 40) + subtract(i, 1);
		pass(i);
		element(table, i & 7);
		watched(i);
	}
	line[0] = '0' + demo_watched_semaphore;
	line[1] = '\n';
	call(WRITE, 1, (long)line, 2);
	call(EXIT, 0, 0, 0);
}
