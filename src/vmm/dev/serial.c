/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serial.h"

#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"

#include <linux/serial_reg.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
	COM1 = 0x3f8,
	PORTS = 8,
	RX_BYTES = 1024,
	TX_BYTES = 65536,
	FINAL_FLUSH_MS = 200,
	CHUNK = 4096, /* PIPE_BUF: what a pipe that polls writable takes without blocking */
};

struct serial {
	struct serial_params params;
	struct bus_region region;
	struct intx_line line;
	pthread_mutex_t lock;
	uint8_t ier, lcr, mcr, fcr, scr, dll, dlm;
	bool thr_interrupt; /* the transmitter became empty and nobody has seen it in IIR */
	bool overrun;
	uint8_t rx[RX_BYTES];
	size_t rx_start, rx_len;
	uint8_t tx[TX_BYTES];
	size_t tx_len;
	int tx_event; /* tx went from empty to not empty */
	struct loop_source *tx_source, *out_source;
	bool out_broken;
};

/* The interrupt that IIR reports, by the chip's priorities. Lock held. */
static uint8_t pending(const struct serial *s)
{
	if ((s->ier & UART_IER_RLSI) && s->overrun)
		return UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && s->rx_len)
		return UART_IIR_RDI;
	if ((s->ier & UART_IER_THRI) && s->thr_interrupt)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* On a PC, OUT2 is the gate between the chip and the interrupt controller. */
static void update_line(struct serial *s)
{
	bool gate = (s->mcr & UART_MCR_OUT2) && !(s->mcr & UART_MCR_LOOP);

	intx_set(&s->line, gate && pending(s) != UART_IIR_NO_INT);
}

static bool take_byte(struct serial *s, uint8_t byte)
{
	if (s->rx_len == RX_BYTES)
		return false;
	s->rx[(s->rx_start + s->rx_len++) % RX_BYTES] = byte;
	return true;
}

static uint8_t read_rx(struct serial *s, bool *ret_room)
{
	uint8_t byte;

	if (!s->rx_len)
		return 0;
	byte = s->rx[s->rx_start];
	s->rx_start = (s->rx_start + 1) % RX_BYTES;
	/* Room is worth telling when there was none, or much of it. */
	*ret_room = s->rx_len-- == RX_BYTES || s->rx_len == 0;
	update_line(s);
	return byte;
}

static void signal_tx(struct serial *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->tx_event, &one, sizeof(one));

	(void)n; /* the counter cannot be full: the loop takes it at each turn */
}

static void write_tx(struct serial *s, uint8_t byte)
{
	if (s->mcr & UART_MCR_LOOP) {
		if (!take_byte(s, byte))
			s->overrun = true;
	} else if (!s->out_broken && s->tx_len < TX_BYTES) {
		s->tx[s->tx_len++] = byte;
		if (s->tx_len == 1)
			signal_tx(s);
	}
	s->thr_interrupt = s->tx_len < TX_BYTES;
	update_line(s);
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = pending(s);

	if (iir == UART_IIR_THRI) {
		s->thr_interrupt = false;
		update_line(s);
	}
	return iir | (s->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

static uint8_t read_lsr(struct serial *s)
{
	uint8_t lsr = s->tx_len < TX_BYTES ? UART_LSR_THRE | UART_LSR_TEMT : 0;

	if (s->rx_len)
		lsr |= UART_LSR_DR;
	if (s->overrun) {
		lsr |= UART_LSR_OE;
		s->overrun = false;
		update_line(s);
	}
	return lsr;
}

/* In loopback the modem outputs come back as its inputs, otherwise a modem is always ready. */
static uint8_t read_msr(const struct serial *s)
{
	uint8_t msr = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (s->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static uint8_t read_register(struct serial *s, uint64_t reg, bool *ret_room)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? s->dll : read_rx(s, ret_room);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return read_iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return read_lsr(s);
	case UART_MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

static void write_ier(struct serial *s, uint8_t value)
{
	/* Enabling the transmitter's interrupt while it is empty raises it. */
	if (!(s->ier & UART_IER_THRI) && (value & UART_IER_THRI))
		s->thr_interrupt = s->tx_len < TX_BYTES;
	s->ier = value & 0x0f;
	update_line(s);
}

static void write_fcr(struct serial *s, uint8_t value)
{
	if ((value ^ s->fcr) & UART_FCR_ENABLE_FIFO)
		value |= UART_FCR_CLEAR_RCVR;
	if (value & UART_FCR_CLEAR_RCVR)
		s->rx_len = 0;
	s->fcr = value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
	update_line(s);
}

static void write_register(struct serial *s, uint64_t reg, uint8_t value)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (dlab)
			s->dll = value;
		else
			write_tx(s, value);
		break;
	case UART_IER:
		if (dlab)
			s->dlm = value;
		else
			write_ier(s, value);
		break;
	case UART_FCR:
		write_fcr(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & 0x1f;
		update_line(s);
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

/* Wider accesses touch the neighbouring registers, as an ISA bus does it. */
static uint64_t port_read(void *opaque, uint64_t offset, unsigned len)
{
	struct serial *s = opaque;
	bool room = false;
	uint64_t v = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < len; i++)
		v |= (uint64_t)read_register(s, offset + i, &room) << (8 * i);
	pthread_mutex_unlock(&s->lock);
	if (room && s->params.room)
		s->params.room(s->params.arg);
	return v;
}

static void port_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < len; i++)
		write_register(s, offset + i, (uint8_t)(value >> (8 * i)));
	pthread_mutex_unlock(&s->lock);
}

static const struct bus_ops port_ops = { .read = port_read, .write = port_write };

/* One write of what is there; false when the rest has to wait for the reader. Lock held. */
static bool write_out(struct serial *s)
{
	bool was_full = s->tx_len == TX_BYTES;
	ssize_t n;

	if (!s->tx_len)
		return true;
	n = write(s->params.out_fd, s->tx, MIN(s->tx_len, (size_t)CHUNK));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) { /* the reader has gone: the guest must not notice */
		s->out_broken = true;
		n = (ssize_t)s->tx_len;
	}
	s->tx_len -= (size_t)n;
	memmove(s->tx, s->tx + n, s->tx_len);
	if (was_full) {
		s->thr_interrupt = true;
		update_line(s);
	}
	return s->tx_len == 0;
}

static bool can_write(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, timeout_ms) == 1;
}

/*
 * The fd may be shared with the shell, so its O_NONBLOCK is left alone: it is written only when
 * poll() says so and in pieces that then do not block, for a vCPU may be waiting for the lock.
 */
static void flush(struct serial *s)
{
	bool done = false;

	pthread_mutex_lock(&s->lock);
	while (!done && can_write(s->params.out_fd, 0))
		done = write_out(s);
	pthread_mutex_unlock(&s->lock);
	if (s->out_source)
		loop_source_set_events(s->out_source, done ? 0 : EPOLLOUT);
	else if (!done)
		signal_tx(s);
}

static void on_tx(void *arg, uint32_t events UNUSED)
{
	flush(arg);
}

static int start(struct serial *s)
{
	const struct serial_params *p = &s->params;
	int r;

	s->tx_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->tx_event < 0)
		return -errno;
	r = loop_add_eventfd(p->loop, s->tx_event, on_tx, s, &s->tx_source);
	if (r < 0)
		return r;
	/* A plain file cannot be waited for, and need not be. */
	if (p->out_fd >= 0) {
		r = loop_add(p->loop, p->out_fd, EPOLLONESHOT, on_tx, s, &s->out_source);
		if (r < 0 && r != -EPERM)
			return r;
	}
	s->region.name = "serial1";
	s->region.start = COM1;
	s->region.size = PORTS;
	s->region.ops = &port_ops;
	s->region.opaque = s;
	return bus_add(p->pio, &s->region);
}

int serial_new(const struct serial_params *params, struct serial **ret)
{
	CLEANUP(serial_freep) struct serial *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->params = *params;
	s->tx_event = -1;
	s->out_broken = params->out_fd < 0;
	s->dll = 1; /* 115200 */
	pthread_mutex_init(&s->lock, NULL);
	intx_init(&s->line, params->irq, IRQ_SERIAL1);
	r = start(s);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void serial_free(struct serial *s)
{
	if (!s)
		return;
	if (s->region.ops)
		bus_remove(s->params.pio, &s->region);
	loop_remove(s->tx_source);
	loop_remove(s->out_source);
	while (s->tx_len && !s->out_broken && can_write(s->params.out_fd, FINAL_FLUSH_MS))
		write_out(s);
	intx_done(&s->line);
	if (s->tx_event >= 0)
		close(s->tx_event);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

size_t serial_receive(struct serial *s, const uint8_t *bytes, size_t n)
{
	size_t done = 0;

	pthread_mutex_lock(&s->lock);
	/* A chip in loopback hears nothing from outside. */
	while (done < n && !(s->mcr & UART_MCR_LOOP) && take_byte(s, bytes[done]))
		done++;
	update_line(s);
	pthread_mutex_unlock(&s->lock);
	return done;
}

size_t serial_room(struct serial *s)
{
	size_t room;

	pthread_mutex_lock(&s->lock);
	room = s->mcr & UART_MCR_LOOP ? 0 : RX_BYTES - s->rx_len;
	pthread_mutex_unlock(&s->lock);
	return room;
}
