/* The program's commands: each gets its own name as argv[0] and returns the exit status: 0 done, 1 failed, 2 used
 * wrongly. */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

int cmd_serve(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_healthcheck(int argc, char **argv);

#endif
