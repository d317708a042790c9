/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port as a driver meets it; the interrupt line is watched where it reaches KVM. */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "vmm/bus/bus.h"
#include "vmm/dev/serial.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"

#include <fcntl.h>
#include <linux/serial_reg.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { COM1 = 0x3f8 };

struct env {
	struct fakekvm k;
	struct host_ops ops; /* the fake's, but with the line's level watched */
	const struct host_ops *fake;
	struct kvm_vm *vm;
	struct irq_chip *irq;
	struct bus *pio;
	struct loop *loop;
	struct serial *s;
	int out[2];
	unsigned rooms;
};

static unsigned level, raised;
static const struct host_ops *fake_ops;

static int watching_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	if (request == KVM_IRQ_LINE) {
		const struct kvm_irq_level *l = arg;

		assert_int_equal(l->irq, IRQ_SERIAL1);
		raised += l->level && !level;
		level = l->level;
	}
	return fake_ops->ioctl(h, fd, request, arg);
}

static void on_room(void *arg)
{
	((struct env *)arg)->rooms++;
}

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct serial_params p = { .room = on_room, .arg = e };

	level = raised = 0;
	fakekvm_init(&e->k);
	fake_ops = e->k.host.ops;
	e->ops = *fake_ops;
	e->ops.ioctl = watching_ioctl;
	e->k.host.ops = &e->ops;
	assert_int_equal(kvm_vm_new(&e->k.host, e->k.fd, &e->vm, NULL), 0);
	assert_int_equal(irq_chip_new(e->vm, &e->irq, NULL), 0);
	assert_int_equal(bus_new("pio", &e->pio), 0);
	assert_int_equal(loop_new(&e->loop), 0);
	assert_int_equal(pipe2(e->out, O_NONBLOCK), 0);
	p.pio = e->pio;
	p.irq = e->irq;
	p.loop = e->loop;
	p.out_fd = e->out[1];
	assert_int_equal(serial_new(&p, &e->s), 0);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	serial_free(e->s);
	assert_int_equal(level, 0);
	loop_free(e->loop);
	bus_free(e->pio);
	irq_chip_free(e->irq);
	kvm_vm_free(e->vm);
	fakekvm_done(&e->k);
	close(e->out[0]);
	if (e->out[1] >= 0)
		close(e->out[1]);
	free(e);
	return 0;
}

static unsigned in(struct env *e, unsigned reg)
{
	uint64_t v;

	assert_true(bus_read(e->pio, COM1 + reg, 1, &v));
	return (unsigned)v;
}

static void out(struct env *e, unsigned reg, unsigned v)
{
	assert_true(bus_write(e->pio, COM1 + reg, 1, v));
}

static void on_mark(void *arg, uint32_t events UNUSED)
{
	sem_post(arg);
}

/*
 * Until what was there is done, however slow the machine: the loop takes what is ready in rounds,
 * so that between two marks a whole one has passed.
 */
static void turn(struct env *e)
{
	int mark = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct loop_source *source;
	sem_t seen;

	assert_int_equal(sem_init(&seen, 0, 0), 0);
	assert_int_equal(loop_add_eventfd(e->loop, mark, on_mark, &seen, &source), 0);
	loop_start_thread(e->loop, "test");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(eventfd_write(mark, 1), 0);
		while (sem_wait(&seen) < 0)
			;
	}
	loop_stop_thread(e->loop);
	loop_remove(source);
	close(mark);
	sem_destroy(&seen);
}

static void output_comes_out(void **state)
{
	struct env *e = *state;
	char buf[64] = "";

	for (const char *p = "hello"; *p; p++) {
		assert_int_equal(in(e, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
		out(e, UART_TX, (unsigned char)*p);
	}
	assert_int_equal(read(e->out[0], buf, sizeof(buf)), -1); /* no write by the vCPU */
	turn(e);
	assert_int_equal(read(e->out[0], buf, sizeof(buf)), 5);
	assert_string_equal(buf, "hello");
	/* What is left at the end comes out too. */
	out(e, UART_TX, 'x');
	serial_free(e->s);
	e->s = NULL;
	assert_int_equal(read(e->out[0], buf, sizeof(buf)), 1);
}

static void one_interrupt_for_a_burst(void **state)
{
	struct env *e = *state;

	out(e, UART_MCR, UART_MCR_OUT2);
	assert_int_equal(raised, 0);
	out(e, UART_IER, UART_IER_THRI);
	assert_int_equal(raised, 1); /* it is empty now */
	assert_int_equal(in(e, UART_IIR) & 0x0f, UART_IIR_THRI);
	assert_int_equal(level, 0); /* reading was the acknowledgement */
	assert_int_equal(in(e, UART_IIR) & 0x0f, UART_IIR_NO_INT);
	for (int i = 0; i < 16; i++)
		out(e, UART_TX, 'a');
	assert_int_equal(raised, 2);
	out(e, UART_IER, 0);
	assert_int_equal(level, 0);
}

static void out2_is_the_gate(void **state)
{
	struct env *e = *state;

	out(e, UART_IER, UART_IER_THRI);
	assert_int_equal(raised, 0);
	out(e, UART_MCR, UART_MCR_OUT2);
	assert_int_equal(level, 1);
	out(e, UART_MCR, 0);
	assert_int_equal(level, 0);
}

static void input_interrupts_until_read(void **state)
{
	struct env *e = *state;

	out(e, UART_MCR, UART_MCR_OUT2);
	out(e, UART_FCR, UART_FCR_ENABLE_FIFO);
	out(e, UART_IER, UART_IER_RDI | UART_IER_THRI);
	assert_int_equal(serial_receive(e->s, (const uint8_t *)"ab", 2), 2);
	assert_int_equal(level, 1);
	assert_int_equal(in(e, UART_IIR), 0xc0 | UART_IIR_RDI); /* before the transmitter's */
	assert_true(in(e, UART_LSR) & UART_LSR_DR);
	assert_int_equal(in(e, UART_RX), 'a');
	assert_int_equal(in(e, UART_RX), 'b');
	assert_false(in(e, UART_LSR) & UART_LSR_DR);
	assert_int_equal(in(e, UART_IIR), 0xc0 | UART_IIR_THRI);
	assert_int_equal(level, 0);
	assert_int_equal(e->rooms, 1);
}

static void full_input_waits(void **state)
{
	struct env *e = *state;
	uint8_t bytes[2000] = { 0 };
	size_t room = serial_room(e->s);

	assert_int_equal(serial_receive(e->s, bytes, sizeof(bytes)), room);
	assert_int_equal(serial_room(e->s), 0);
	assert_int_equal(serial_receive(e->s, bytes, 1), 0);
	in(e, UART_RX);
	assert_int_equal(e->rooms, 1);
	assert_int_equal(serial_room(e->s), 1);
	out(e, UART_FCR, UART_FCR_ENABLE_FIFO); /* changing the mode clears the FIFO */
	assert_int_equal(serial_room(e->s), room);
}

/* How drivers find out that a 16550A is there. */
static void loopback(void **state)
{
	struct env *e = *state;

	out(e, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(in(e, UART_MSR), UART_MSR_DCD | UART_MSR_CTS);
	out(e, UART_TX, 'z');
	assert_int_equal(in(e, UART_RX), 'z');
	assert_int_equal(serial_receive(e->s, (const uint8_t *)"a", 1), 0);
	out(e, UART_MCR, 0);
	assert_int_equal(in(e, UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	out(e, UART_SCR, 0xa5);
	assert_int_equal(in(e, UART_SCR), 0xa5);
	out(e, UART_IER, 0xff);
	assert_int_equal(in(e, UART_IER), 0x0f);
	out(e, UART_LCR, UART_LCR_DLAB);
	out(e, UART_DLL, 12);
	assert_int_equal(in(e, UART_DLL), 12);
	assert_int_equal(in(e, UART_DLM), 0);
	out(e, UART_LCR, 3);
	assert_int_equal(in(e, UART_IER), 0x0f);
}

/* Nobody reads: the transmitter fills up and says so, and goes on when somebody does. */
static void slow_reader(void **state)
{
	static char buf[1 << 20];
	struct env *e = *state;
	size_t sent = 0, got = 0;

	while (sent < 400000 && (in(e, UART_LSR) & UART_LSR_THRE)) {
		out(e, UART_TX, 'a' + (unsigned)(sent++ % 26));
		if (sent % 50000 == 0)
			turn(e);
	}
	assert_true(sent < 400000);
	for (int i = 0; i < 50 && got < sent; i++) {
		ssize_t n;

		turn(e);
		n = read(e->out[0], buf + got, sizeof(buf) - got);
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, sent);
	for (size_t i = 0; i < got; i++)
		assert_int_equal(buf[i], 'a' + i % 26);
	assert_true(in(e, UART_LSR) & UART_LSR_THRE);
}

static void reader_gone(void **state)
{
	struct env *e = *state;

	close(e->out[0]);
	e->out[0] = -1;
	for (int i = 0; i < 100000; i++)
		out(e, UART_TX, 'a');
	turn(e);
	out(e, UART_TX, 'a');
	assert_true(in(e, UART_LSR) & UART_LSR_THRE);
}

static void wide_accesses(void **state)
{
	struct env *e = *state;
	uint64_t v;

	out(e, UART_SCR, 0x77);
	assert_true(bus_read(e->pio, COM1 + 4, 4, &v));
	assert_int_equal(v >> 24, 0x77);
	assert_true(bus_write(e->pio, COM1 + 4, 4, 0x55000000));
	assert_int_equal(in(e, UART_SCR), 0x55);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(output_comes_out),
		TEST(one_interrupt_for_a_burst),
		TEST(out2_is_the_gate),
		TEST(input_interrupts_until_read),
		TEST(full_input_waits),
		TEST(loopback),
		TEST(slow_reader),
		TEST(reader_gone),
		TEST(wide_accesses),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
