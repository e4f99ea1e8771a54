"""How fast Hearback is, always beside the least that the same work could cost, in one run on one machine.

Only ratios mean anything elsewhere: the emulators, the local Gmail and the one who asks share the processors with what
is measured.
"""
