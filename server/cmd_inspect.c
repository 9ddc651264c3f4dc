int cmd_inspect(int argc, char **argv);
int cmd_inspect(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 2;
}
