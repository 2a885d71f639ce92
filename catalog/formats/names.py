"""The formats Silograph knows, and what a file's name claims.

`claimed_formats` runs once for each of millions of files, so it is one dictionary lookup a name;
only names that end in a compression or in nothing known cost more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "table", "text", "document", "code", "image", "audio", "video", "array", "model", "archive", "geo",
    "config", "log", "disk", "database", "binary", "font",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """A known format. `extensions` (no dot, lower case) claim it; `text` when its content is plain text."""

    name: str
    family: Family
    extensions: tuple[str, ...]
    label: str
    text: bool = False


def _of(family: Family, rows: str, *, text: bool = False) -> list[Format]:
    """One format a line: `name | extensions | label`."""
    cells = ([cell.strip() for cell in row.split("|")] for row in rows.strip().splitlines())
    return [Format(name, family, tuple(ends.split()), label, text) for name, ends, label in cells]


FORMATS: tuple[Format, ...] = (
    *_of("table", """
        parquet      | parquet parq pq              | Apache Parquet
        arrow        | arrow feather ipc            | Apache Arrow
        arrow_file   |                              | Apache Arrow file (IPC, Feather 2)
        arrow_stream | arrows                       | Apache Arrow stream
        feather      |                              | Feather 1
        orc          | orc                          | Apache ORC
        avro         | avro                         | Apache Avro
        lance        | lance                        | Lance
        tfrecord     | tfrecord tfrecords tfrec     | TFRecord
        mds          | mds                          | MosaicML shard
        sequencefile | seq                          | Hadoop SequenceFile
        rcfile       | rcfile                       | Hadoop RCFile
        hudi_log     |                              | Hudi log
        xlsx         | xlsx xlsm xltx               | Excel workbook
        xls          | xls                          | Excel 97 workbook
        ods          | ods                          | OpenDocument spreadsheet
        sas          | sas7bdat                     | SAS data set
        spss         | sav zsav                     | SPSS data
        stata        | dta                          | Stata data
        rds          | rds rdata rda                | R data
        dbf          | dbf                          | dBASE table
        bcf          | bcf                          | Binary variant calls
        pod5         | pod5                         | POD5 nanopore reads
        puffin       | puffin                       | Iceberg Puffin statistics
        vortex       | vortex                       | Vortex
    """),
    *_of("table", """
        csv          | csv                          | CSV
        tsv          | tsv tab                      | TSV
        json         | json                         | JSON
        jsonl        | jsonl ndjson jsonlines       | JSON Lines
    """, text=True),
    *_of("text", """
        text         | txt text                     | Plain text
        fasta        | fasta fa fna faa             | FASTA
        fastq        | fastq fq                     | FASTQ
        vcf          | vcf                          | Variant calls
        warc         | warc                         | Web archive
        email        | eml mbox                     | E-mail
        subtitles    | srt vtt ass ssa              | Subtitles
        calendar     | ics vcard                    | Calendar and contacts
        gettext      | po pot                       | Translations
        bed          | bed bedgraph                 | Genome regions
        gff          | gff gff3 gtf                 | Genome annotation
        sam          | sam                          | Aligned reads
        pdb          | pdb ent                      | Protein structure
        cif          | cif mmcif                    | Crystallographic data
        pgn          | pgn                          | Chess games
        arff         | arff                         | ARFF
        libsvm       | libsvm svm                   | LIBSVM
        dot          | dot gv                       | Graphviz
    """, text=True),
    *_of("log", "log | log out err | Log", text=True),
    *_of("document", """
        pdf          | pdf                          | PDF
        docx         | docx docm dotx               | Word document
        doc          | doc                          | Word 97 document
        pptx         | pptx pptm                    | PowerPoint presentation
        ppt          | ppt                          | PowerPoint 97 presentation
        odt          | odt                          | OpenDocument text
        odp          | odp                          | OpenDocument presentation
        epub         | epub                         | EPUB
        ole          | msi                          | OLE compound file
        djvu         | djvu                         | DjVu
    """),
    *_of("document", """
        markdown     | md markdown mdx              | Markdown
        html         | html htm xhtml               | HTML
        rst          | rst                          | reStructuredText
        tex          | tex sty cls                  | TeX
        bibtex       | bib                          | BibTeX
        rtf          | rtf                          | Rich text
        postscript   | ps eps                       | PostScript
        ipynb        | ipynb                        | Jupyter notebook
    """, text=True),
    *_of("code", """
        python       | py pyi pyx                   | Python
        r            | r rmd                        | R
        sql          | sql hql                      | SQL
        shell        | sh bash zsh ksh              | Shell
        javascript   | js mjs cjs jsx               | JavaScript
        typescript   | ts tsx                       | TypeScript
        java         | java scala kt groovy         | Java, Scala, Kotlin
        c            | c h cc cpp cxx hpp hh cu cuh | C, C++, CUDA
        go           | go                           | Go
        rust         | rs                           | Rust
        ruby         | rb                           | Ruby
        perl         | pl pm                        | Perl
        php          | php                          | PHP
        csharp       | cs fs vb                     | C#, F#, Basic
        julia        | jl                           | Julia
        matlab       | m                            | MATLAB, Objective-C
        lua          | lua                          | Lua
        swift        | swift                        | Swift
        css          | css scss less                | CSS
        batch        | bat cmd ps1                  | Windows script
        build        | cmake gradle mk dockerfile    | Build file
        schema       | proto thrift avsc graphql fbs | Interface schema
        diff         | diff patch rej               | Patch
    """, text=True),
    *_of("config", """
        yaml         | yaml yml dvc                 | YAML
        toml         | toml                         | TOML
        ini          | ini cfg conf properties      | Settings
        xml          | xml xsd xsl xslt             | XML
        feed         | rss atom                     | News feed
        pmml         | pmml                         | PMML
        graphml      | graphml                      | GraphML
        plist        | plist                        | Property list
        dotfile      | gitignore gitattributes dockerignore editorconfig npmrc env | Dotfile
        terraform    | tf tfvars hcl                | Terraform
        lfs_pointer  |                              | Git LFS pointer
        pem          | pem crt cer key csr pub asc  | Keys and certificates
    """, text=True),
    *_of("image", """
        jpeg         | jpg jpeg jpe jfif            | JPEG
        png          | png                          | PNG
        gif          | gif                          | GIF
        webp         | webp                         | WebP
        tiff         | tif tiff                     | TIFF
        raw_photo    | nef cr2 dng arw orf raf      | Camera raw
        bmp          | bmp dib                      | BMP
        heic         | heic heif                    | HEIC
        avif         | avif                         | AVIF
        jp2          | jp2 j2k jpx                  | JPEG 2000
        jxl          | jxl                          | JPEG XL
        exr          | exr                          | OpenEXR
        hdr          | hdr                          | Radiance HDR
        dds          | dds                          | DirectDraw surface
        netpbm       | pbm pgm ppm pnm pfm          | Netpbm
        ico          | ico cur                      | Icon
        psd          | psd                          | Photoshop
        dicom        | dcm dicom                    | DICOM
    """),
    *_of("image", "svg | svg | SVG", text=True),
    *_of("audio", """
        wav          | wav wave                     | WAV
        flac         | flac                         | FLAC
        mp3          | mp3                          | MP3
        ogg          | ogg oga opus spx             | Ogg
        m4a          | m4a m4b                      | MPEG-4 audio
        aac          | aac                          | AAC
        aiff         | aif aiff aifc                | AIFF
        au           | au snd                       | Sun audio
        amr          | amr                          | AMR
        midi         | mid midi                     | MIDI
    """),
    *_of("video", """
        mp4          | mp4 m4v 3gp                  | MP4
        mov          | mov qt                       | QuickTime
        ogv          | ogv                          | Ogg video
        matroska     | mkv mka                      | Matroska
        webm         | webm                         | WebM
        avi          | avi                          | AVI
        mpeg         | mpg mpeg m2ts mts vob         | MPEG
        flv          | flv                          | Flash video
        asf          | wmv wma asf                  | Windows Media
        rosbag       | bag                          | ROS bag
        mcap         | mcap                         | MCAP
    """),
    *_of("array", """
        npy          | npy                          | NumPy array
        npz          | npz                          | NumPy archive
        hdf5         | h5 hdf5 hdf he5 nxs          | HDF5
        anndata      | h5ad                         | AnnData
        zarr         | zarr                         | Zarr
        hdf4         | hdf4                         | HDF4
        netcdf       | nc cdf nc4                   | NetCDF
        netcdf3      |                              | NetCDF classic
        netcdf4      |                              | NetCDF 4
        mat          | mat                          | MATLAB data
        idl          |                              | IDL save file
        fits         | fits fit fts                 | FITS
        nifti        | nii                          | NIfTI
        grib         | grib grb grib2 grb2          | GRIB
        nrrd         | nrrd nhdr                    | NRRD
        edf          | edf bdf                      | EDF
        bam          | bam                          | BAM
        cram         | cram                         | CRAM
        root         | root                         | ROOT
        trackvis     | trk                          | TrackVis fibres
        mrtrix       | tck mif                      | MRtrix
    """),
    *_of("model", """
        safetensors  | safetensors                  | safetensors
        gguf         | gguf                         | GGUF
        ggml         | ggml                         | GGML
        onnx         | onnx                         | ONNX
        tflite       | tflite                       | TensorFlow Lite
        pytorch      | pt pth ckpt torch            | PyTorch
        torchscript  |                              | TorchScript
        keras        | keras                        | Keras
        keras_h5     |                              | Keras in HDF5
        pickle       | pkl pickle                   | Python pickle
        joblib       | joblib                       | joblib
        saved_model  |                              | TensorFlow SavedModel
        graphdef     |                              | TensorFlow graph
        protobuf     | pb                           | Protocol buffer
        coreml       | mlmodel                      | Core ML
        caffe        | caffemodel                   | Caffe
        ort          | ort                          | ONNX Runtime
        sentencepiece |                             | SentencePiece
        catboost     | cbm                          | CatBoost
        xgboost      | ubj                          | XGBoost
        faiss        | faiss                        | FAISS index
        wandb        | wandb                        | Weights & Biases run
    """),
    *_of("model", "lightgbm | | LightGBM", text=True),
    *_of("archive", """
        zip          | zip                          | ZIP
        tar          | tar tgz tbz2 txz tzst        | tar
        gzip         | gz gzip                      | gzip
        zstd         | zst zstd                     | Zstandard
        xz           | xz                           | xz
        bzip2        | bz2                          | bzip2
        lz4          | lz4                          | LZ4
        snappy       | snappy sz                    | Snappy
        brotli       | br                           | Brotli
        compress     | z                            | compress
        lzip         | lz                           | lzip
        lzma         | lzma                         | LZMA
        zlib         | zlib zz                      | zlib
        7z           | 7z                           | 7-Zip
        rar          | rar                          | RAR
        jar          | jar war                      | Java archive
        apk          | apk                          | Android package
        wheel        | whl                          | Python wheel
        cpio         | cpio                         | cpio
        ar           | a ar                         | ar
        deb          | deb                          | Debian package
        rpm          | rpm                          | RPM package
        cab          | cab                          | Cabinet
        gitpack      | pack                         | Git pack
    """),
    *_of("geo", """
        shapefile    | shp shx                      | Shapefile
        geopackage   | gpkg                         | GeoPackage
        mbtiles      | mbtiles                      | MBTiles
        kmz          | kmz                          | KMZ
        las          | las laz                      | LAS point cloud
        pmtiles      | pmtiles                      | PMTiles
        flatgeobuf   | fgb                          | FlatGeobuf
        ply          | ply                          | PLY
        pcd          | pcd                          | Point cloud data
        e57          | e57                          | E57
        stl          | stl                          | STL
        glb          | glb                          | glTF binary
        blend        | blend                        | Blender
        usd          | usdc                         | Universal Scene Description
    """),
    *_of("geo", """
        geojson      | geojson                      | GeoJSON
        kml          | kml                          | KML
        gpx          | gpx                          | GPX
        obj          | obj                          | Wavefront OBJ
    """, text=True),
    *_of("disk", """
        qcow2        | qcow2 qcow                   | QEMU image
        vmdk         | vmdk                         | VMware disk
        vhd          | vhd                          | Virtual hard disk
        vhdx         | vhdx                         | Hyper-V disk
        vdi          | vdi                          | VirtualBox disk
        iso          | iso                          | ISO 9660
        disk_image   |                              | Disk image
        luks         | luks                         | LUKS volume
        squashfs     | squashfs sqsh                | SquashFS
    """),
    *_of("database", """
        sqlite       | sqlite sqlite3 db3           | SQLite
        duckdb       | duckdb ddb                   | DuckDB
        lmdb         | lmdb                         | LMDB
        access       | accdb                        | Access
        pgdump       | pgdump                       | PostgreSQL dump
        rdb          | rdb                          | Redis dump
    """),
    *_of("binary", """
        elf          | so                           | ELF
        pe           | exe dll sys                  | Windows executable
        macho        | dylib                        | Mach-O
        wasm         | wasm                         | WebAssembly
        java_class   | class                        | Java class
        dex          | dex                          | Dalvik
        pyc          | pyc                          | Python bytecode
        llvm         | bc                           | LLVM bitcode
        pcap         | pcap pcapng cap              | Packet capture
        pgp          | gpg pgp                      | OpenPGP
        age          | age                          | age
        mo           | mo gmo                       | Compiled translations
        tzif         | tzif                         | Time zone
        icc          | icc icm                      | Colour profile
        xcursor      |                              | X cursor
        ds_store     |                              | Finder settings
        lnk          | lnk                          | Windows shortcut
    """),
    *_of("font", """
        ttf          | ttf ttc                      | TrueType
        otf          | otf                          | OpenType
        woff         | woff                         | WOFF
        woff2        | woff2                        | WOFF 2
    """),
)  # fmt: skip

BY_NAME: dict[str, Format] = {each.name: each for each in FORMATS}

_WRAPPERS = frozenset({"gzip", "zstd", "xz", "bzip2", "lz4"})
"""Compressions that the sniffer can look into."""
_THROUGH = frozenset(each.name for each in FORMATS if each.text) | {"tar", "nifti"}
"""What a compressed file is called after: `events.jsonl.gz` is JSON Lines, `model.pkl.gz` is gzip."""

_SHARD = re.compile(r"-\d{4,}(-of-\d+)?$")
_LONGEST = 32
_REPEATS = 10
"""Longer endings hardly ever come twice: they are numbers and hashes."""
_REMEMBERED = 65_536
_FEW = 4
"""So many names in front of a directory's files may have endings of their own: `_SUCCESS`, `config.json`."""


class _Claims(dict[str, str | None]):
    """Extension, as written, to format. Spellings met are remembered, up to a bound: names are hostile."""

    def __missing__(self, raw: str) -> str | None:
        if len(raw) > _LONGEST:
            return None
        plain = raw.lower()
        found = self.get(plain)
        if found is None and "-" in plain and plain[-1].isdigit():
            found = self.get(_SHARD.sub("", plain))  # `train.tfrecord-00001-of-00010`
        if len(raw) <= _REPEATS and len(self) < _REMEMBERED:
            self[raw] = found
        return found


_claims = _Claims({end: each.name for each in FORMATS for end in each.extensions})
_bare = _Claims(
    dict.fromkeys(("readme", "authors", "license", "licence", "copying", "notice", "changelog", "news"), "text")
    | dict.fromkeys(("makefile", "dockerfile", "jenkinsfile", "vagrantfile"), "build")
)
"""Names without a dot: `tar` and `java` are programs there, not formats."""


def claimed_formats(names: Sequence[str]) -> list[str | None]:
    """The format each file name claims, None where it claims nothing. About 0.2 µs a name."""
    alike = _from_one_ending(names)
    if alike is not None:
        return alike
    claims, bare = _claims, _bare
    found = [claims[name.rpartition(".")[2]] if "." in name else bare[name] for name in names]
    if not _WRAPPERS.isdisjoint(found):
        found = [_within(name, outer) if outer in _WRAPPERS else outer for name, outer in zip(names, found)]
    return found


def _from_one_ending(names: Sequence[str]) -> list[str | None] | None:
    """The claims where all names, but for a few in front, have one ending; None where they do not.

    Most directories hold files of one format behind a marker or two: counting their ending in the
    joined names takes no look at each.
    """
    _, dot, ending = names[-1].rpartition(".") if len(names) > _FEW else ("", "", "")
    claim = _claims[ending] if dot else None
    if not dot or claim in _WRAPPERS:
        return None
    ending = f".{ending}\0"
    head = next((at for at in range(_FEW) if f"{names[at]}\0".endswith(ending)), _FEW)
    if ("\0".join(names[head:]) + "\0").count(ending) != len(names) - head:
        return None
    return [*map(claimed_format, names[:head]), *[claim] * (len(names) - head)]


def claimed_format(name: str) -> str | None:
    """The format a file name claims: `jsonl` for `events.jsonl.gz`, None for `_SUCCESS`."""
    return claimed_formats((name,))[0]


def _within(name: str, outer: str | None) -> str | None:
    stem = name.rpartition(".")[0]
    if "." not in stem:
        return outer
    inner = _claims[stem.rpartition(".")[2]]
    return inner if inner in _THROUGH else outer


def family(format: str | None) -> str | None:
    """The family of a format (`table`, `image`, …); None for an unknown one."""
    known = BY_NAME.get(format or "")
    return known.family if known else None
