"""What the apps need in the same shape to keep private data private: in memory, and encrypted where it is kept.

It has no models and no settings of its own: keys and limits are passed in.
"""
