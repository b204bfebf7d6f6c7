"""What most modules of this collection have in common; one that differs says so itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by Ansible."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: In check mode it reports what it would change, and changes nothing.
    support: full
  diff_mode:
    description: With C(--diff) it shows what is there before and after.
    support: none
  platform:
    description: The machines that it runs on.
    platforms: linux
    support: full
"""
