// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's log: its records, and the log of a root folder of our own. */
#include "cm.h"
#include "base/str.h"
#include "host/kmsg.h"
#include "host/rootdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct host_log_line parsed(char *record)
{
	struct host_log_line line;

	assert_int_equal(kmsg_parse(record, &line), 0);
	return line;
}

static void records_are_taken_apart(void **state UNUSED)
{
	char fault[] = "3,1234,98765432,-;DMAR: [DMA Write] fault addr 0xdead000\n"
		       " SUBSYSTEM=pci\n DEVICE=+pci:0000:01:10.0\n";
	char user[] = "30,7,5,c,caller=T1;systemd[1]: a; b\n";
	char empty[] = "6,8,6,-;\n";
	struct host_log_line line = parsed(fault);

	assert_int_equal(line.seq, 1234);
	assert_int_equal(line.us, 98765432);
	assert_int_equal(line.level, 3);
	assert_false(line.foreign);
	assert_string_equal(line.device, "+pci:0000:01:10.0");
	assert_string_equal(line.text, "DMAR: [DMA Write] fault addr 0xdead000");
	line = parsed(user);
	assert_int_equal(line.level, 6);
	assert_true(line.foreign);
	assert_string_equal(line.device, "");
	assert_string_equal(line.text, "systemd[1]: a; b");
	line = parsed(empty);
	assert_string_equal(line.text, "");
}

static void other_text_is_no_record(void **state UNUSED)
{
	struct host_log_line line;

	for (size_t i = 0; i < 5; i++) {
		char *bad[] = { (char[]) { "" }, (char[]) { "hello" }, (char[]) { "3,1,2" },
			(char[]) { "3,1,2,-no text" }, (char[]) { "x,1,2,-;text" } };

		assert_int_equal(kmsg_parse(bad[i], &line), -EBADMSG);
	}
}

static void count(void *arg, const struct host_log_line *line)
{
	uint64_t *last = arg;

	assert_true(line->seq >= *last);
	*last = line->seq + 1;
}

/* No kernel writes there, so one read gives one "record": enough to see numbers and errors. */
static void a_log_is_read_from_a_number_on(void **state UNUSED)
{
	char top[] = "/tmp/vfctl-kmsg-XXXXXX";
	autofree char *dev = NULL, *file = NULL;
	uint64_t next = 0, last = 41;
	struct rootdir root;

	assert_non_null(mkdtemp(top));
	root = (struct rootdir) { .fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	dev = str_printf("%s/dev", top);
	file = str_printf("%s/kmsg", dev);
	assert_int_equal(kmsg_read(&root, 0, &next, count, &last), -ENOENT);
	assert_int_equal(mkdir(dev, 0700), 0);
	{
		autoclose int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_true(write(fd, "6,41,1,-;hello\n", 15) == 15);
	}
	assert_int_equal(kmsg_read(&root, 41, &next, count, &last), 0);
	assert_int_equal(next, 42);
	assert_int_equal(last, 42);
	last = 99; /* count() would find 41 too small */
	assert_int_equal(kmsg_read(&root, UINT64_MAX, &next, count, &last), 0);
	assert_int_equal(next, 42);
	assert_int_equal(unlink(file) | rmdir(dev) | rmdir(top), 0);
	close(root.fd);
}

static void note_text(void *arg, const struct host_log_line *line)
{
	snprintf(arg, 64, "%s", line->text);
}

/* What was there before the mark is not told; a file stands in for the kernel. */
static void a_mark_leaves_out_what_was_before(void **state UNUSED)
{
	char top[] = "/tmp/vfctl-kmsg-XXXXXX", got[64] = "";
	autofree char *dev = NULL, *file = NULL;
	autoclose int mark = -1, end = -1;
	struct rootdir root;

	assert_non_null(mkdtemp(top));
	root = (struct rootdir) { .fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	dev = str_printf("%s/dev", top);
	file = str_printf("%s/kmsg", dev);
	assert_int_equal(kmsg_mark(&root), -ENOENT);
	assert_int_equal(mkdir(dev, 0700), 0);
	end = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(write(end, "6,41,1,-;before\n", 16) == 16);
	mark = kmsg_mark(&root);
	assert_true(mark >= 0);
	assert_int_equal(kmsg_since(NULL, mark, note_text, got), 0);
	assert_string_equal(got, "");
	assert_true(write(end, "6,42,2,-;after\n", 15) == 15);
	assert_int_equal(kmsg_since(NULL, mark, note_text, got), 0);
	assert_string_equal(got, "after");
	assert_int_equal(unlink(file) | rmdir(dev) | rmdir(top), 0);
	close(root.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_taken_apart),
		cmocka_unit_test(other_text_is_no_record),
		cmocka_unit_test(a_log_is_read_from_a_number_on),
		cmocka_unit_test(a_mark_leaves_out_what_was_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
