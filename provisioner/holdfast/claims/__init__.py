"""Decisions: may this claim be served, where, under which policy; what volume results.

Everything here is pure: parsed objects in, decisions out. Nothing imports the API client
or touches a file, so each rule can be tested by itself and holds for every kind of export.
"""
