/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client as nobody wants to have one. ADDRESS is a bus's, or "system".
 *
 *   bus-hostile ADDRESS long METHOD MIB    calls Show or Change with so long a text, or List with
 * so many selectors, and prints the error bus-hostile ADDRESS odd                an option that is
 * a megabyte of bytes, another that is nested as deep as a message can be; prints the errors
 *   bus-hostile ADDRESS deaf CALLS         asks for so many lists and all signals, prints "deaf"
 * and never reads, until it is killed bus-hostile ADDRESS crowd N CALLS      N connections with as
 * many calls each; prints how many answers and errors there were, errors by their names
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static const char name[] = "org.vfctl1", path[] = "/org/vfctl1", interface[] = "org.vfctl1.Manager";

enum { MIB = 1 << 20, NEST = 60, KINDS = 16, CROWD_MAX = 200, SECONDS = 150 };

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bus-hostile: %s: %s\n", what, strerror(-r));
	exit(1);
}

static sd_bus *connect_to(const char *address)
{
	sd_bus *bus = NULL;
	int r;

	if (strcmp(address, "system") == 0) {
		must(sd_bus_open_system(&bus), "system bus");
		return bus;
	}
	must(sd_bus_new(&bus), "bus");
	r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	must(r < 0 ? r : sd_bus_start(bus), address);
	return bus;
}

static sd_bus_message *method(sd_bus *bus, const char *member)
{
	sd_bus_message *m = NULL;

	must(sd_bus_message_new_method_call(bus, &m, name, path, interface, member), "message");
	return m;
}

static void ask(sd_bus *bus, sd_bus_message *m)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	int r = sd_bus_call(bus, m, SECONDS * 1000000ULL, &e, NULL);

	printf("%s %s\n", r < 0 ? e.name : "answered", r < 0 && e.message ? e.message : "");
	sd_bus_error_free(&e);
	sd_bus_message_unref(m);
}

static void be_long(sd_bus *bus, const char *member, size_t mib)
{
	sd_bus_message *m = method(bus, member);
	char *text = malloc(mib * MIB + 1);
	int r;

	if (!text)
		exit(1);
	memset(text, 'x', mib * MIB);
	text[mib * MIB] = '\0';
	if (strcmp(member, "List") == 0) {
		r = sd_bus_message_open_container(m, 'a', "s");
		for (size_t i = 0; r >= 0 && i < mib * MIB / 8; i++)
			r = sd_bus_message_append_basic(m, 's', "x");
		if (r >= 0)
			r = sd_bus_message_close_container(m);
	} else {
		r = sd_bus_message_append_basic(m, 's', text);
	}
	if (r >= 0 && strcmp(member, "Show") != 0)
		r = sd_bus_message_append(m, "a{sv}", 0);
	must(r, "a long message");
	free(text);
	ask(bus, m);
}

/* List with one option, up to its value; three containers are open. */
static sd_bus_message *begin_option(sd_bus *bus, const char *type)
{
	sd_bus_message *m = method(bus, "List");
	int r = sd_bus_message_append(m, "as", 0);

	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "holders");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', type);
	must(r, "an option");
	return m;
}

static void ask_closed(sd_bus *bus, sd_bus_message *m, int containers)
{
	for (int i = 0; i < containers; i++)
		must(sd_bus_message_close_container(m), "an option");
	ask(bus, m);
}

static void be_odd(sd_bus *bus)
{
	static const unsigned char bytes[MIB / 8] = { 7 };
	sd_bus_message *m = begin_option(bus, "ay");

	must(sd_bus_message_append_array(m, 'y', bytes, sizeof(bytes)), "bytes");
	ask_closed(bus, m, 3);
	m = begin_option(bus, "v");
	for (int i = 1; i < NEST; i++)
		must(sd_bus_message_open_container(m, 'v', "v"), "a nest");
	must(sd_bus_message_append(m, "v", "s", ""), "a nest");
	ask_closed(bus, m, NEST + 2);
}

/* What we have not read the bus keeps for us; when it stops to read from us, we stop too. */
static void be_deaf(sd_bus *bus, unsigned calls)
{
	if (sd_bus_add_match(bus, NULL, "type='signal'", NULL, NULL) < 0)
		exit(1);
	alarm(0);
	for (unsigned i = 0; i < calls; i++) {
		sd_bus_message *m = method(bus, "List");

		must(sd_bus_message_append(m, "asa{sv}", 0, 0), "message");
		if (sd_bus_send(bus, m, NULL) < 0)
			break;
		sd_bus_message_unref(m);
	}
	puts("deaf");
	fflush(stdout);
	for (;;)
		pause();
}

static struct {
	char name[64];
	unsigned n;
} kinds[KINDS];
static unsigned answered, waiting;

static int on_answer(sd_bus_message *m, void *arg, sd_bus_error *unused)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);
	const char *what = e ? e->name : "answered";

	(void)arg;
	(void)unused;
	answered++;
	waiting--;
	for (size_t i = 0; i < KINDS; i++)
		if (!kinds[i].n || strcmp(kinds[i].name, what) == 0) {
			snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", what);
			kinds[i].n++;
			break;
		}
	return 0;
}

static void be_many(const char *address, unsigned n, unsigned calls)
{
	sd_bus *bus[CROWD_MAX];

	if (n > CROWD_MAX)
		exit(2);
	for (unsigned i = 0; i < n; i++) {
		bus[i] = connect_to(address);
		must(sd_bus_set_method_call_timeout(bus[i], SECONDS * 1000000ULL), "timeout");
		for (unsigned k = 0; k < calls; k++) {
			must(sd_bus_call_method_async(bus[i], NULL, name, path, interface, "Show",
				     on_answer, NULL, "s", "0000:00:00.0"),
				"call");
			waiting++;
		}
	}
	while (waiting)
		for (unsigned i = 0; i < n; i++) {
			while (sd_bus_process(bus[i], NULL) > 0)
				;
			must(sd_bus_wait(bus[i], 10000), "wait");
		}
	for (size_t i = 0; i < KINDS && kinds[i].n; i++)
		printf("%u %s\n", kinds[i].n, kinds[i].name);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";

	alarm(2 * SECONDS);
	if (strcmp(mode, "long") == 0 && argc == 5)
		be_long(connect_to(argv[1]), argv[3], strtoul(argv[4], NULL, 10));
	else if (strcmp(mode, "odd") == 0)
		be_odd(connect_to(argv[1]));
	else if (strcmp(mode, "deaf") == 0 && argc == 4)
		be_deaf(connect_to(argv[1]), (unsigned)strtoul(argv[3], NULL, 10));
	else if (strcmp(mode, "crowd") == 0 && argc == 5)
		be_many(argv[1], (unsigned)strtoul(argv[3], NULL, 10),
			(unsigned)strtoul(argv[4], NULL, 10));
	else
		return 2;
	return 0;
}
