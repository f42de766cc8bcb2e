"""The zip package of a Word file, opened with distrust: nothing is unpacked before its size is known,
no entity is expanded and no link is followed."""

import hashlib
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.ingest.report import Finding, Severity, UnreadableFileError

MAX_ENTRIES = 2_000
MAX_UNPACKED = 200 * 2**20
MAX_RATIO = 200
RATIO_COUNTS_FROM = 2**20
MAX_PICTURE = 10 * 2**20
MAX_PICTURES = 50 * 2**20
MAX_XML = 8 * 2**20
MAX_MARKS = 400_000

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MAIN = "officeDocument"
_LOCAL = re.compile(r"file:|\\\\|//|[A-Za-z]:[\\/]|/|~|\.\.?[\\/]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A link from a part: ``kind`` is the last word of its type, ``target`` a part's name or a URL."""

    kind: str
    target: str
    external: bool


@dataclass(frozen=True)
class Package:
    """The parts of a Word file."""

    archive: zipfile.ZipFile
    findings: list[Finding] = field(default_factory=list)
    _pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def main(self) -> str:
        """The name of the part with the text.

        :raises UnreadableFileError: it is some other package, such as a spreadsheet.
        """
        for link in self.relationships("").values():
            if link.kind == _MAIN and posixpath.dirname(link.target) == "word":
                return link.target
        raise UnreadableFileError("file.unsupported", "不是 Word 文档，文件里没有正文")

    def xml(self, name: str) -> Element | None:
        """A part as XML, None where the package has none of that name.

        :raises UnreadableFileError: damaged, too large, or with a document type of its own.
        """
        if name not in self.archive.namelist():
            return None
        data = self._read(name)
        try:
            root: Element = fromstring(data, forbid_dtd=True)
        except DefusedXmlException as error:
            raise UnreadableFileError("file.unsafe", "Word 文件里有外部实体或类型声明，拒绝读取") from error
        except ParseError as error:
            raise UnreadableFileError("file.damaged", "Word 文件已损坏，无法读取") from error
        return root

    def picture(self, name: str) -> tuple[str, bytes] | None:
        """The SHA-256 of a part's bytes and the bytes, None where the package has none of that name.

        The bytes are empty where they, or those of all pictures together, are too many.

        :raises UnreadableFileError: the part is damaged.
        """
        if name not in self.archive.namelist():
            return None
        try:
            with self.archive.open(name) as part:
                content = part.read(MAX_PICTURE + 1)
                digest = hashlib.sha256(content)
                while more := part.read(2**20):
                    digest.update(more)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UnreadableFileError("file.damaged", "Word 文件已损坏，无法读取") from error
        kept = self._pictures.setdefault(name, content)
        if len(content) > MAX_PICTURE or sum(map(len, self._pictures.values())) > MAX_PICTURES:
            kept = self._pictures[name] = b""
        return digest.hexdigest(), kept

    def relationships(self, part: str) -> dict[str, Relationship]:
        """A part's links by their id; those of the package itself for an empty name."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        return {link.get("Id", ""): _relationship(link, folder) for link in root} if root is not None else {}

    def _read(self, name: str) -> bytes:
        try:
            with self.archive.open(name) as part:
                data = part.read(MAX_XML + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UnreadableFileError("file.damaged", "Word 文件已损坏，无法读取") from error
        if len(data) > MAX_XML or data.count(b"<") > MAX_MARKS:
            raise UnreadableFileError("file.too-complex", "Word 文件的内容过多，超出了读取上限")
        return data


def open_package(data: bytes) -> Package:
    """Open a Word file and look for links out of it.

    :raises UnreadableFileError: encrypted, damaged, a zip bomb, or not a Word file.
    """
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise UnreadableFileError("file.encrypted", "Word 文件有密码保护，请先解除密码")
        raise UnreadableFileError("file.unsupported", "是旧版 Word 文件（.doc），请另存为 .docx")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UnreadableFileError("file.damaged", "Word 文件已损坏或不完整，无法读取") from error
    _distrust(archive.infolist())
    package = Package(archive)
    package.findings.extend(_links_out(package))
    return package


def _distrust(entries: list[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableFileError("file.encrypted", "Word 文件有密码保护，请先解除密码")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or any(map(_is_trick, names)):
        raise UnreadableFileError("file.unsafe", "Word 文件里有异常的内部路径，拒绝读取")
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise UnreadableFileError("file.unsafe", "Word 文件解压后过大，可能是压缩炸弹，拒绝读取")
    if any(map(_is_bomb, entries)):
        raise UnreadableFileError("file.unsafe", "Word 文件的压缩比异常，可能是压缩炸弹，拒绝读取")


def _is_trick(name: str) -> bool:
    return "\\" in name or ":" in name or name.startswith("/") or ".." in name.split("/")


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > RATIO_COUNTS_FROM and entry.file_size > MAX_RATIO * entry.compress_size


def _relationship(link: Element, folder: str) -> Relationship:
    target = link.get("Target", "")
    external = link.get("TargetMode") == "External"
    if not external:
        target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
    return Relationship(link.get("Type", "").rpartition("/")[2], target, external)


def _links_out(package: Package) -> Iterator[Finding]:
    """Links to files of the editor's machine are errors, other parts that lie elsewhere warnings."""
    for name in package.archive.namelist():
        folder, file = posixpath.split(name)
        if posixpath.basename(folder) != "_rels" or not file.endswith(".rels"):
            continue
        part = posixpath.join(posixpath.dirname(folder), file.removesuffix(".rels"))
        for link in package.relationships(part).values():
            if link.external and (finding := link_finding(link.kind, link.target)):
                yield finding


def link_finding(kind: str, target: str) -> Finding | None:
    """What is to be said about a link out of the file; None for an ordinary hyperlink."""
    shown = "".join(filter(str.isprintable, target))[:200].strip() or "?"
    if kind == "attachedTemplate":
        message = f"Word 文件引用了外部模板（{shown}），没有读取。"
        return Finding(severity=Severity.note, code="link.template", message=message)
    if _LOCAL.match(target):
        message = f"Word 文件里有指向本机或内网文件的链接（{shown}），没有读取，请删除。"
        return Finding(severity=Severity.error, code="link.local", message=message)
    if kind != "hyperlink":
        message = f"Word 文件的一部分在文件之外（{shown}），没有读取。"
        return Finding(severity=Severity.warning, code="link.external", message=message)
    return None
