"""One error type for input that breaks a rule; the command line prints it as one line and exits with 2."""

from __future__ import annotations


class InputError(ValueError):
    """Raise for what a user can mend: a file, an option or an array that breaks a stated rule.

    The message is one line, "`name` must be RULE; got VALUE. FIX."; programming errors use other types, so
    that they keep their traceback.

    Example:
        >>> raise InputError.of("fs_hz", "between 20 and 20000", -3, "Give the sampling rate in Hz")
        Traceback (most recent call last):
        radarode.core.errors.InputError: `fs_hz` must be between 20 and 20000; got -3. Give the sampling rate in Hz.
    """

    @classmethod
    def of(cls, name: str, rule: str, got: object, fix: str = "") -> InputError:
        """Build the house-style message from its parts."""
        text = f"`{name}` must be {rule}; got {got}."
        return cls(f"{text} {fix.rstrip('.')}." if fix else text)


class OtherRankError(InputError):
    """Say that another process of the same work refused something; its own message says what."""


class WorkInterruptedError(Exception):
    """Say that Ctrl-C ended the work in an orderly way; the message tells how to go on (exit code 130)."""
