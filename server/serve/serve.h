/* The command `relud serve`. */
#ifndef SERVER_SERVE_SERVE_H
#define SERVER_SERVE_SERVE_H

/* Serves until it is told to stop. argv[0] is "serve". Returns the exit status: 0 done, 1 failed, 2
 * wrong usage. */
int cmd_serve(int argc, char **argv);

#endif
