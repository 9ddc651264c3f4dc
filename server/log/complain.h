/* Prints the messages of the commands on stderr. */
#ifndef SERVER_LOG_COMPLAIN_H
#define SERVER_LOG_COMPLAIN_H

/* Prints "relud: …" with printf's arguments. The message is always one line (see relud_line), even
 * if a name in it is long or has strange bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void complain(const char *format, ...);

#endif
