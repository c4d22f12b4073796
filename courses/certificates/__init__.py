"""Giấy chứng nhận hoàn thành: issued by rule, printed with a code to check it, revoked with a reason."""
