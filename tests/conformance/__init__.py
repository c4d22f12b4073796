"""The rules of xAPI, by the section that states each."""
