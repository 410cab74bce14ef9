"""What is known of each architecture (a family of decoders): sizes, parameter counts, tensor names; needs no torch.

To add an architecture, write a module with its `Architecture` and add it to the tuple in `registry.py`.
"""
