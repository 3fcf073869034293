"""A copying tap: passes bytes on between programs, unchanged, and hands a copy to a decoder process of an engine's."""
