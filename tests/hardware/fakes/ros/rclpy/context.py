class Context:
    def begin(self, words, domain):
        self.domain, self._ok, self.parameters, self._names = domain, True, {}, {}
        for flag, value in zip(words[1::2], words[2::2]):
            name, _, said = value.partition(":=")
            (self.parameters if flag == "-p" else self._names)[name] = said

    def remapped(self, name):
        return self._names.get(name, name)

    def ok(self):
        return self._ok

    def try_shutdown(self):
        self._ok = False
