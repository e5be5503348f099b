"""A test-only app that lets a test say what a job's work does in a real worker process.

It wraps the work of every registered kind: a job whose parameters hold `"probe"` does that instead of its own work.
Only terrafusion.settings.test installs it.
"""
