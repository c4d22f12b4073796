"""The words of office lists: what columns are called, how categories are written, how units are shortened."""

import re

FULL_NAME, FAMILY, GIVEN = "full_name", "family", "given"
CODE, EMAIL, BORN, POSITION, CATEGORY, PARTY = "code", "email", "born", "position", "category", "party"
UNIT, UNIT_CODE, DEPARTMENT, BRANCH, ORDER = "unit", "unit_code", "department", "branch", "order"

FIELDS = (
    FULL_NAME,
    FAMILY,
    GIVEN,
    CODE,
    BORN,
    POSITION,
    CATEGORY,
    PARTY,
    UNIT,
    DEPARTMENT,
    UNIT_CODE,
    BRANCH,
    EMAIL,
    ORDER,
)
"""What a column may be about; "" is a column that is not read."""

NEVER_KEPT = (
    r"(so |ma |ma so |the |so the )?"
    r"(cccd|cmnd|cmtnd|cmt|can cuoc|can cuoc cong dan|chung minh nhan dan|chung minh thu|dinh danh|dinh danh ca nhan"
    r"|ho chieu)( .*)?"
    r"|(thanh phan )?dan toc|ton giao|(tin nguong )?ton giao|anh|anh the|anh 3x4|anh the can cuoc"
)
"""Labels, without marks, of columns of which nothing is kept: identity numbers, ethnicity, religion, pictures."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    FULL_NAME: (
        "ho va ten",
        "ho ten",
        "ho va ten khai sinh",
        "ho ten can bo",
        "ho va ten can bo",
        "ho ten dang vien",
        "ho va ten dang vien",
        "full name",
    ),
    FAMILY: ("ho dem", "ho va dem", "ho va ten dem", "ho ten dem", "ho lot", "ho va chu lot", "ho", "dem", "ten dem"),
    GIVEN: ("ten", "ten goi"),
    CODE: (
        "so hieu",
        "so hieu cong chuc",
        "so hieu cbcc",
        "so hieu can bo",
        "ma so",
        "ma can bo",
        "ma so can bo",
        "ma cbcc",
        "ma cbccvc",
        "ma cong chuc",
        "ma vien chuc",
        "ma nhan vien",
        "ma nv",
        "ma cb",
        "staff code",
    ),
    EMAIL: (
        "email",
        "e mail",
        "thu dien tu",
        "email cong vu",
        "thu dien tu cong vu",
        "dia chi email",
        "dia chi thu dien tu",
        "hop thu",
        "hop thu cong vu",
        "mail",
    ),
    BORN: (
        "ngay sinh",
        "nam sinh",
        "ngay thang nam sinh",
        "sinh ngay",
        "ngay thang sinh",
        "nam sinh nam nu",
        "date of birth",
    ),
    POSITION: (
        "chuc vu",
        "chuc danh",
        "chuc vu chuc danh",
        "chuc vu hien nay",
        "chuc vu chinh quyen",
        "chuc vu don vi cong tac",
        "vi tri viec lam",
        "chuc danh vi tri viec lam",
        "cong viec",
        "position",
    ),
    CATEGORY: ("loai can bo", "doi tuong", "phan loai", "loai", "phan loai can bo", "can bo cong chuc vien chuc"),
    PARTY: (
        "dang vien",
        "la dang vien",
        "tinh trang dang vien",
        "dang vien quan chung",
        "dang vien chinh thuc du bi",
        "dang doan",
    ),
    UNIT: (
        "don vi",
        "co quan",
        "co quan don vi",
        "don vi cong tac",
        "co quan cong tac",
        "co quan don vi cong tac",
        "noi cong tac",
        "ten don vi",
        "ten co quan",
        "don vi truc thuoc",
        "noi lam viec",
        "truc thuoc",
        "unit",
    ),
    UNIT_CODE: ("ma don vi", "ma co quan", "ma dv", "ma co quan don vi"),
    DEPARTMENT: (
        "phong",
        "ban",
        "phong ban",
        "phong ban don vi",
        "phong chuyen mon",
        "phong don vi",
        "bo phan",
        "khoa phong",
        "to bo mon",
        "department",
    ),
    BRANCH: (
        "chi bo",
        "chi bo sinh hoat",
        "sinh hoat chi bo",
        "sinh hoat dang",
        "to chuc dang",
        "dang bo chi bo",
        "chi bo dang bo",
    ),
    ORDER: ("stt", "tt", "so tt", "so thu tu", "no"),
}
"""How offices head their columns, folded (no marks, no signs)."""

BELOW_BORN = {"nam", "nu"}
"""Where the date of birth is split into a column for men and one for women, as old forms have it."""

NOT_NAMES = ("tong", "cong", "nguoi lap", "thu truong", "lap bieu", "ghi chu", "danh sach", "ky ten", "xac nhan")
"""What begins a line that is about the list and not about a person."""

CATEGORY_WORDS = {
    "can bo": "can_bo",
    "cb": "can_bo",
    "cong chuc": "cong_chuc",
    "cc": "cong_chuc",
    "vien chuc": "vien_chuc",
    "vc": "vien_chuc",
    "nguoi lao dong": "nguoi_lao_dong",
    "nld": "nguoi_lao_dong",
    "lao dong hop dong": "nguoi_lao_dong",
    "ldhd": "nguoi_lao_dong",
    "hop dong": "nguoi_lao_dong",
    "hd": "nguoi_lao_dong",
    "hop dong lao dong": "nguoi_lao_dong",
    "khac": "khac",
}

PARTY_WORDS = {
    "dang vien": "chinh_thuc",
    "dang vien chinh thuc": "chinh_thuc",
    "chinh thuc": "chinh_thuc",
    "dvct": "chinh_thuc",
    "dv": "chinh_thuc",
    "ct": "chinh_thuc",
    "co": "chinh_thuc",
    "x": "chinh_thuc",
    "1": "chinh_thuc",
    "dang vien du bi": "du_bi",
    "du bi": "du_bi",
    "dvdb": "du_bi",
    "db": "du_bi",
    "quan chung": "quan_chung",
    "qc": "quan_chung",
    "khong": "quan_chung",
    "doan vien": "quan_chung",
    "chua": "quan_chung",
    "chua vao dang": "quan_chung",
    "0": "quan_chung",
}

SHORT_FORMS = {
    "ubnd": "uy ban nhan dan",
    "hdnd": "hoi dong nhan dan",
    "ubmttq": "uy ban mat tran to quoc",
    "mttq": "mat tran to quoc",
    "ubkt": "uy ban kiem tra",
    "btc": "ban to chuc",
    "vp": "van phong",
    "tp": "thanh pho",
    "tx": "thi xa",
    "h": "huyen",
    "tinhuy": "tinh uy",
    "tu": "tinh uy",
    "du": "dang uy",
    "tt": "trung tam",
    "ttr": "thi tran",
    "cb": "chi bo",
    "db": "dang bo",
}
"""Words that are nearly always shortened. `tt` stands at the beginning of a name only (elsewhere it is an initial)."""

FIRST_WORD_ONLY = frozenset({"tt", "tu", "du", "cb", "db", "h", "btc"})

OTHER_KIND = re.compile(
    r"\.(pdf|do[ct][xm]?|rtf|odt|pages|pp[ts][xm]?|odp|key|html?|mht|xps|epub|tex|md|json"
    r"|png|jpe?g|jfif|gif|bmp|tiff?|webp|hei[cf]|svg|psd|mp[34]|m4[av]|wav|ogg|mov|avi|mkv|webm"
    r"|rar|7z|gz|tar|exe|msi|apk|iso|eml|msg|vcf|lnk)",
    re.IGNORECASE,
)
"""Endings of names of files that are no list, whatever is in them; any other is read and judged by what it holds."""
