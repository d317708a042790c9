/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzzer's function on kept inputs: files, or all files of a folder. At least one. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	uint8_t *data = malloc(1 << 20);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f || !data) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, 1 << 20, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 1;
}

static int replay_folder(const char *path)
{
	DIR *d = opendir(path);
	char file[4096];
	int n = 0;

	if (!d)
		return replay_file(path);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		n += replay_file(file);
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_folder(argv[i]);
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}
