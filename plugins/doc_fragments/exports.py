"""The exports that modules take, ENTRY in module_utils/nfs_server/exports.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by Ansible."""

    DOCUMENTATION = r"""
options:
  exports:
    description: What is exported to whom. The same path may be in several entries, for clients with
      different options.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The directory. A range stands for several, as in V(/data/volumes/v{1..5}).
        type: str
        required: true
      clients:
        description: Addresses, networks (V(192.168.41.0/24)), names, patterns of names
          (V(*.example.org)), netgroups (V(@nodes)), or V(*) for all. Needed unless
          O(exports[].state=absent).
        type: list
        elements: str
      options:
        description: Options as in exports(5). V(sync), V(no_subtree_check), V(root_squash) and
          V(sec=sys) are added unless their opposites are here, and V(ro) unless V(rw) is.
        type: list
        elements: str
        default: [rw]
      state:
        description: V(absent), like leaving the entry out, ends the export; the directory stays.
        type: str
        choices: [present, absent]
        default: present
      owner:
        description: The owner of the directory; left as it is when not given.
        type: str
      group:
        description: The group of the directory; left as it is when not given.
        type: str
      mode:
        description: The mode of the directory in quotes, as V("0770"); left as it is when not
          given.
        type: raw
"""
