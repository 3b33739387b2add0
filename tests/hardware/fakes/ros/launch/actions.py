class DeclareLaunchArgument:
    def __init__(self, name, *, default_value, description):
        self.name, self.default = name, default_value


class ExecuteProcess:
    def __init__(self, *, cmd, cwd, output, sigterm_timeout):
        self.command, self.folder, self.sigterm_timeout = cmd, cwd, sigterm_timeout
