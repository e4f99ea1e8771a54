"""Companies in Chinese and Japanese mail: names without spaces around them, and Latin names between Han and Kana."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.classify.facts.reading import Guess, Part
from shared.names import CJK

BRACKETED = re.compile(r"[【\[「『〔]([^【\[「『〔】\]」』〕\n]{2,40})[】\]」』〕]")

_CJK_NOISE = re.compile(
    r"(?:20\d\d届?|\d\d届|校园招聘|校招|社会招聘|社招|招聘团队|招聘|人才|春招|秋招|官方|内推|实习生?|通知|邀请|HR|新卒採用|中途採用|採用担当|採用|"
    r"人事部|人事|選考|結果){1,6}$"
)

NOTICE = re.compile(r"返信|重要|通知|知らせ|提醒|确认|確認|案内|自动|自動|面试|面接|笔试|测评|邮件|メール")

_CJK_CAMPUS = re.compile(r"^([\u4e00-\u9fff]{2,12}?)(?:20\d\d|校园招聘|校招|社招)")

_CJK_INVITES = re.compile(r"(?<![\u4e00-\u9fffA-Za-z])([\u4e00-\u9fffA-Za-z]{2,16}?)(?:诚挚地?|诚)?邀请(?:您|你)")

_CJK_LEGAL = re.compile(r"([\u4e00-\u9fffA-Za-z0-9()]{2,24}?(?:有限责任公司|有限公司|集团))")

_LATIN_NAME = r"((?:[A-Z&][A-Za-z0-9À-ÿ&.'’-]*+ ?){1,6}+)"

_LATIN_IN_CJK = re.compile(
    r"(?<![和与跟])"
    + _LATIN_NAME
    + r"(?:的(?:兴趣|关注|申请|职位|岗位|面试|招聘|职缺)|公司|招聘|人力|校招|集团|株式会社|"
    r"の(?:選考|採用|面接|求人)|へのご?応募|にご?応募|採用|でのご?面接|人事)"
)
"""A name in Latin letters inside a Chinese or Japanese sentence, by the words that follow it."""

_LATIN_AFTER_CJK = re.compile(r"(?:加入|获得|来自|我是)\s?" + _LATIN_NAME)

_CJK_LEAD = re.compile(r"^.{0,12}(?:投递|应聘|申请|加入|关注|参加|来自|欢迎|我是|このたびは|この度は)了?")

PRONOUNS = ("我们", "我司", "现", "兹", "特", "本公司", "本岗", "该", "此", "贵", "您", "请", "感谢", "诚")

_JA_LEGAL = re.compile(
    r"((?:株式会社|合同会社)[\u30a0-\u30ff\u4e00-\u9fffA-Za-z0-9]{1,20}|[\u30a0-\u30ff\u4e00-\u9fffA-Za-z0-9]{1,20}株式会社)"
)

_CJK_FIRM = ("集团", "公司", "科技", "汽车", "银行", "证券", "网络", "电子", "软件", "智能", "集團")

_CJK_SHORT_NAME = 10


def strip_cjk_noise(name: str) -> str:
    """A name without "校园招聘", "採用担当" and the like behind it."""
    return _CJK_NOISE.sub("", name).strip()


def guesses(part: Part) -> Iterator[Guess]:
    """The names in a part that has Han or Kana."""
    head = part.text[:2_000]
    for match in BRACKETED.finditer(head[:400]):
        bare = strip_cjk_noise(match.group(1))
        if len(bare) > 1 and not NOTICE.search(bare) and CJK.search(match.group(1)):
            yield Guess(bare, 4, part.quote(match.start(), match.end()))
    for pattern, weight in (
        (_CJK_INVITES, 6),
        (_CJK_CAMPUS, 3),
        (_CJK_LEGAL, 4),
        (_JA_LEGAL, 5),
        (_LATIN_IN_CJK, 4),
        (_LATIN_AFTER_CJK, 4),
    ):
        found = pattern.search(head)
        name = _CJK_LEAD.sub("", strip_cjk_noise(found.group(1))) if found else ""
        if found and name and not name.startswith(PRONOUNS):
            yield Guess(name, weight, part.quote(found.start(), found.end()))
    if part.where == "subject":
        first = re.split(r"[-–—:]", head, maxsplit=1)[0].strip()
        if first.endswith(_CJK_FIRM) and 1 < len(first) <= _CJK_SHORT_NAME and "【" not in first:
            yield Guess(first, 5, first)
