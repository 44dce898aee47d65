/*
 * Fault points: places where a test can stop or kill the program, named "<module>.<place>".
 *
 * TIDEGATE_FAULT="writer.before_commit=kill:3" kills the process at the third passage. Compiled to
 * nothing unless the build says TIDEGATE_FAULTS (dev and sanitizer presets; never in release).
 */
#ifndef TG_BASE_FAULT_H
#define TG_BASE_FAULT_H

#ifdef TG_FAULTS
void tg_fault_pass(const char *name);
#define TG_FAULT(name) tg_fault_pass(name)
#else
#define TG_FAULT(name) ((void)0)
#endif

#endif
