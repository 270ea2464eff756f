"""The exporting thread's processor time: what a busy machine hardly changes."""

from __future__ import annotations

import time

spent = getattr(time, "thread_time_ns", time.process_time_ns)
"""Nanoseconds so far. A few platforms know the whole process's alone."""
