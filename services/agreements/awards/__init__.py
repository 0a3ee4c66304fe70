"""An award (tildeling) of a mini-competition: whose bid has won and why, told to all who bid before anything is
ordered; after the standstill (karens), if one was announced, it becomes a call-off."""
