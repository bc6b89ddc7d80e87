"""What the plugin shows of itself over HTTP: a page, metrics, and health.

Nothing is imported here: a client needs the address alone, and is to start fast.
"""
