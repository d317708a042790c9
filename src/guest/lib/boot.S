/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way in: a Linux boot image (Documentation/arch/x86/boot.rst, protocol 2.15) whose "kernel" is
 * our test program. The 64-bit entry sets up what ring 3 needs and goes there at once: on hosts
 * where KVM interprets ring 0 (about a million instructions a second), ring 3 still runs at full
 * speed. The way back is an interrupt or ud2 (see cpu.c).
 *
 * Ring 0 keeps to what KVM's instruction emulator knows: no int, popcnt, cmpxchg16b, SSE.
 */
#define LOAD_ADDRESS 0x1000000

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS	  0x23
#define USER_CS	  0x2b
#define TSS_SEL	  0x30 /* one descriptor of 16 bytes per CPU from here */

#define CPUS	    8
#define STACK_BYTES 0x4000
#define RING0_VECTOR 0x81 /* cpu.c, too */
#define TSS_BYTES   0x2100 /* 104 bytes of task state, 8 KiB of I/O permissions, the end mark */

	/* The setup header, as the loader sees it: file offsets 0x1f1 and up. */
	.section .setup, "a"
	.globl setup
setup:
	.org	0x1f1
	.byte	1			/* setup_sects: one sector beside the first */
	.word	0
	.long	image_paragraphs	/* syssize */
	.word	0, 0, 0
	.word	0xaa55
	.byte	0xeb, 0x6a		/* the header ends at 0x26c */
	.ascii	"HdrS"
	.word	0x20f
	.long	0
	.word	0x1000, 0
	.byte	0			/* type_of_loader: the loader's */
	.byte	1			/* LOADED_HIGH */
	.word	0
	.long	0x100000		/* code32_start */
	.long	0, 0, 0			/* ramdisk_image, ramdisk_size, bootsect_kludge */
	.word	0
	.byte	0, 0
	.long	0			/* cmd_line_ptr: the loader's */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x200000		/* kernel_alignment */
	.byte	1, 21			/* relocatable by this; but see below */
	.word	1			/* XLF_KERNEL_64 */
	.long	2047			/* cmdline_size */
	.long	0
	.quad	0
	.long	0, 0
	.quad	0
	.quad	LOAD_ADDRESS		/* pref_address */
	.long	image_memory		/* init_size */
	.long	0, 0
	.org	0x400

	.section .head, "ax"
	.code64
	hlt				/* the 32-bit entry: nobody should come here */
	jmp	. - 1
	.org	0x200

	/* The 64-bit entry: rsi = boot_params, flat segments, interrupts off, low memory mapped. */
	.globl entry
entry:
	cli
	cld
	lea	entry(%rip), %rax	/* we are linked to one place and say so when elsewhere */
	cmp	$entry, %rax
	jne	misplaced
	mov	%rsi, boot_params
	mov	$page_tables, %rax
	mov	%rax, %cr3
	xor	%ebx, %ebx
	jmp	enter_ring3

misplaced:
	mov	$0x3f8, %edx
	mov	$'!', %al
	out	%al, %dx
	hlt
	jmp	misplaced

	/* ebx = index of this CPU, on our page tables. */
enter_ring3:
	mov	$0x20, %eax		/* PAE and nothing else: no SMEP, ring 0 runs user pages */
	mov	%rax, %cr4
	lgdt	gdt_pointer
	lidt	idt_pointer
	mov	$KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss

	mov	%ebx, %eax		/* rsp = end of the CPU's ring-0 stack; also in its TSS */
	inc	%eax
	imul	$STACK_BYTES, %eax, %eax
	lea	kernel_stacks(%rax), %rsp
	mov	%ebx, %eax
	imul	$TSS_BYTES, %eax, %eax
	lea	task_states(%rax), %rdi
	mov	%rsp, 4(%rdi)
	movw	$104, 102(%rdi)		/* the I/O bitmap follows, all zero: every port is allowed */
	movb	$0xff, (104 + 8192)(%rdi)

	mov	%ebx, %ecx		/* the descriptor: base in four pieces, 64-bit TSS, present */
	shl	$4, %ecx
	lea	(gdt + TSS_SEL)(%rcx), %rdx
	movw	$(104 + 8192), (%rdx)
	mov	%edi, %eax
	mov	%ax, 2(%rdx)
	shr	$16, %eax
	mov	%al, 4(%rdx)
	movb	$0x89, 5(%rdx)
	movb	$0, 6(%rdx)
	mov	%ah, 7(%rdx)
	add	$TSS_SEL, %ecx
	ltr	%cx

	pushq	$KERNEL_CS		/* leave the loader's code segment */
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:
	mov	$0x1b, %ecx		/* IA32_APIC_BASE: APIC and x2APIC on */
	rdmsr
	or	$0xc00, %eax
	wrmsr
	xor	%edx, %edx
	mov	$0x80f, %ecx		/* spurious vector, APIC software-enabled */
	mov	$0x1ff, %eax
	wrmsr
	mov	$0x808, %ecx		/* task priority 0: all vectors */
	xor	%eax, %eax
	wrmsr

	mov	%ebx, %eax
	inc	%eax
	imul	$STACK_BYTES, %eax, %eax
	lea	user_stacks(%rax), %rcx
	sub	$16, %rcx
	mov	$USER_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	pushq	$USER_DS
	push	%rcx
	pushq	$2			/* interrupts off until the C side asks for them */
	pushq	$USER_CS
	mov	%ebx, %edi
	test	%ebx, %ebx
	mov	$first_cpu, %rax
	mov	$other_cpu, %rcx
	cmovnz	%rcx, %rax
	push	%rax
	iretq

	.text
	/* Ring 3 from here. Clearing our memory is what a million interpreted instructions are not for. */
first_cpu:
	mov	$bss_start, %rdi
	mov	$bss_end, %rcx
	sub	%rdi, %rcx
	xor	%eax, %eax
	rep stosb
	call	guest_start
	ud2

	/* Interrupts and exceptions. Each stub leaves an error code and its number on the stack. */
	.balign	16
	.globl interrupt_stubs
interrupt_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
	pushq	$0
	.endif
	pushq	$vector
	.if	vector < 32 || vector == RING0_VECTOR
	jmp	exception_entry
	.else
	jmp	interrupt_entry
	.endif
	.set	vector, vector + 1
	.endr

	/* Counting, and quieting a line's device if there is one: 18 or 23 instructions. */
interrupt_entry:
	push	%rax
	push	%rcx
	push	%rdx
	mov	24(%rsp), %rax
	lock incq interrupts(, %rax, 8)
	cmp	%rax, interrupt_quiet_vector
	jne	1f
	mov	interrupt_quiet, %rcx
	cmp	$0x10000, %rcx		/* a port: reading it quiets */
	jb	2f
	mov	interrupt_quiet_value, %eax
	mov	%eax, (%rcx)
1:
	lock btrl $0, end_unsaid	/* KVM needs not be told: cpu_say_no_end() */
	jc	3f
	mov	$0x80b, %ecx		/* x2APIC end of interrupt */
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
3:
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq
2:
	mov	%ecx, %edx
	in	%dx, %al
	jmp	1b

exception_entry:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	guest_exception
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

	/*
	 * Other CPUs wake up in real mode at a page below 1 MiB, where trampoline…trampoline_end is
	 * copied: straight from there to long mode (32-bit paged mode is not to be had everywhere).
	 */
	.code16
	.balign	16
	.globl trampoline, trampoline_end
trampoline:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	movzwl	%ax, %ebx
	shl	$4, %ebx
	lidtl	trampoline_no_idt - trampoline
	lgdtl	trampoline_gdt_pointer - trampoline
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	$page_tables, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	and	$0x9fffffff, %eax	/* caches on */
	or	$0x80000001, %eax
	mov	%eax, %cr0
	ljmpl	$KERNEL_CS, $other_cpu_long
	.balign	4
trampoline_no_idt:
	.word	0
	.long	0
trampoline_gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
trampoline_end:

	.code64
other_cpu_long:
	mov	$1, %ebx
	lock xadd %ebx, next_cpu
	cmp	$CPUS, %ebx
	jb	enter_ring3
1:	cli
	hlt
	jmp	1b

other_cpu:
	call	guest_other_cpu
	ud2

	.data
	.balign	8
	.globl boot_params
boot_params:
	.quad	0
	.globl next_cpu
next_cpu:
	.long	1
	.balign	16
gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff	/* 0x10 ring 0 code, 64 bits */
	.quad	0x00cf93000000ffff	/* 0x18 ring 0 data */
	.quad	0x00cff3000000ffff	/* 0x20 ring 3 data */
	.quad	0x00affb000000ffff	/* 0x28 ring 3 code, 64 bits */
	.fill	CPUS * 16, 1, 0
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.balign	8
idt_pointer:
	.word	256 * 16 - 1
	.quad	idt
	.balign	16
	.globl idt
idt:
	.fill	256 * 16, 1, 0
	.balign	16
task_states:
	.fill	CPUS * TSS_BYTES, 1, 0

	/* The first 4 GiB, one to one, open to ring 3; memory.c adds what lies above. */
	.balign	4096
	.globl page_tables
page_tables:
	.quad	page_pointers + 7
	.fill	511, 8, 0
page_pointers:
	.quad	page_directories + 7
	.quad	page_directories + 0x1007
	.quad	page_directories + 0x2007
	.quad	page_directories + 0x3007
	.fill	508, 8, 0
page_directories:
	.set	page, 0
	.rept	2048
	.quad	page + 0x87
	.set	page, page + 0x200000
	.endr

	/* Not cleared at start: in use by then. */
	.section .stacks, "aw", @nobits
	.balign	16
kernel_stacks:
	.skip	CPUS * STACK_BYTES
user_stacks:
	.skip	CPUS * STACK_BYTES

	.section .note.GNU-stack, "", @progbits
