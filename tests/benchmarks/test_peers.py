"""The peers' shapes against what their papers say, their second form against their first, and how ratios are summed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers import compare, works
from benchmarks.peers.blocks import Neck
from benchmarks.peers.entries import Entry, Form, all_entries, capture_peer, label
from benchmarks.peers.files import make_file
from benchmarks.peers.rep_vit import EdgeSamEncoder, RepVit
from benchmarks.peers.sam_decoder import SamDecoder
from benchmarks.peers.spelling import batched_product, channel_mean, plain_attention, repeated, spell_peers, split
from benchmarks.peers.tiny_vit import Attention, MobileSamEncoder, TinyVit, TransformerBlock
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import MissingExtraError
from rmpsam_mobile.export.graph_cost import run_counted

MILLION, BILLION = 1e6, 1e9
SAM_DECODER = 4.064e6  # parameters of SAM's prompt encoder and mask decoder, measured on transformers' below


def parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def multiply_adds(module: nn.Module, side: int) -> tuple[int, int]:
    """Of the whole module, and of its attention's products, which counters by layer pass over; nothing is computed."""
    pixels = torch.empty(1, 3, side, side, device="meta")
    _, layers = run_counted(module.to("meta").eval(), [pixels])
    attention = [path for path, layer in module.named_modules() if isinstance(layer, Attention)]
    return layers[""], sum(layers[path] - layers[f"{path}.qkv"] - layers[f"{path}.project"] for path in attention)


def test_tiny_vit_is_the_published_one() -> None:
    """arXiv 2207.10666, table 1: 5.4 M parameters, 1.3 G multiply-adds at 224 with its classifier."""
    head = 2 * 320 + 320 * 1000 + 1000
    assert parameters(TinyVit(last_stride=2)) + head == 5_392_764  # as the official checkpoint has
    assert multiply_adds(TinyVit(last_stride=2), 224)[0] / BILLION == pytest.approx(1.3, abs=0.05)


def test_rep_vit_is_the_published_one() -> None:
    """arXiv 2307.09283, table 1, M0.9: 5.1 M parameters, 0.8 G multiply-adds at 224 with its classifier."""
    head = 384 * 1000 + 1000
    assert (parameters(RepVit()) + head) / MILLION == pytest.approx(5.1, abs=0.05)
    assert multiply_adds(RepVit(), 224)[0] / BILLION == pytest.approx(0.8, abs=0.05)


def test_mobile_sam_is_the_published_one() -> None:
    """EdgeSAM's table (arXiv 2312.06660): 9.8 M, 38.2 G at 1024: with the decoder, not attention's products."""
    encoder = MobileSamEncoder()
    assert (parameters(encoder) + SAM_DECODER) / MILLION == pytest.approx(9.8, abs=0.05)
    whole, attention = multiply_adds(encoder, 1024)
    assert (whole - attention) / BILLION + 1.8 == pytest.approx(38.2, rel=0.01)


def test_edge_sam_is_the_published_one() -> None:
    """The same table: 9.6 M, 22.1 G."""
    encoder = EdgeSamEncoder()
    assert (parameters(encoder) + SAM_DECODER) / MILLION == pytest.approx(9.6, abs=0.06)
    assert multiply_adds(encoder, 1024)[0] / BILLION + 1.8 == pytest.approx(22.1, rel=0.02)


@pytest.fixture(scope="module")
def sam() -> SamDecoder:
    pytest.importorskip("transformers", reason="the peers extra is not installed")
    return SamDecoder(1024).requires_grad_(requires_grad=False)


def test_the_decoder_is_sams(sam: SamDecoder) -> None:
    """3.876 "M" in MobileSAM's README are 2^20 parameters each."""
    count = parameters(sam.prompt_encoder) + parameters(sam.mask_decoder)
    assert count == pytest.approx(SAM_DECODER, rel=1e-3)
    assert count / 2**20 == pytest.approx(3.876, abs=0.001)


def test_the_decoder_answers_a_click_with_three_masks(sam: SamDecoder) -> None:
    features, points = torch.rand(1, 256, 64, 64), 1024 * torch.rand(1, 2, 1, 2)
    (masks, iou), counted = run_counted(sam, [features, points, torch.ones(1, 2, 1)])
    assert masks.shape == (1, 2, 3, 256, 256)
    assert iou.shape == (1, 2, 3)
    assert counted[""] / 2 / BILLION == pytest.approx(1.8, abs=0.05)


def test_without_transformers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"^SAM's decoder .* pip install 'rmpsam-mobile\[peers\]'$"):
        SamDecoder(1024)


def test_spellings_keep_the_result() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.rand(2, 3, 5, 4, dtype=torch.double) for _ in range(3))
    x = torch.rand(1, 6, 4, 4, dtype=torch.double)
    pairs = [
        (batched_product(q, k.transpose(2, 3)), q @ k.transpose(2, 3)),
        (plain_attention(q, k, v), F.scaled_dot_product_attention(q, k, v)),
        (plain_attention(q, k, v, scale=0.3), F.scaled_dot_product_attention(q, k, v, scale=0.3)),
        (channel_mean(x.float(), [1], True), x.float().mean(1, keepdim=True)),
        (repeated(x, 3, 0), x.repeat_interleave(3, 0)),
        (torch.cat(split(x, 4, 1), 1), x),
    ]
    for spelled, plain in pairs:
        torch.testing.assert_close(spelled, plain)
    assert [part.shape[1] for part in split(x, 4, 1)] == [4, 2]


def test_what_has_no_spelling_stays() -> None:
    x = torch.rand(2, 6, 4, 4)
    assert batched_product(x, x[0, 0]) is NotImplemented
    assert plain_attention(x, x, x, torch.ones(4, 4)) is NotImplemented
    assert plain_attention(x, x, x, None, 0.1) is NotImplemented
    assert channel_mean(x, [2, 3], True) is NotImplemented
    assert repeated(x, 3, 0) is NotImplemented


class Repeating(nn.Module):
    """Adds a constant to every copy of its input."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positions", torch.arange(4.0).view(1, 4))

    def forward(self, x: Tensor) -> Tensor:
        """[1, 4] -> [3, 4]."""
        return x.repeat_interleave(3, 0) + self.positions.repeat_interleave(3, 0)


def test_constants_are_broadcast() -> None:
    x = torch.rand(1, 4)
    program = torch.export.export(Repeating(), (x,), strict=False)
    spelled = spell_peers(program)
    assert [str(n.target) for n in spelled.graph.nodes if n.op == "call_function"].count("aten.mul.Tensor") == 1
    torch.testing.assert_close(spelled.module()(x), Repeating()(x))


def test_a_rewritten_block_is_the_block() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(64, 7).eval()
    x = torch.randn(1, 64, 10, 9)  # two rows and columns of windows, both padded
    captured = capture_peer(block, Graph.ENCODER, {"x": x.numpy()}, Form.REWRITTEN)
    torch.testing.assert_close(captured.program.module()(x), block(x))
    targets = {str(node.target) for node in captured.program.graph.nodes}
    assert not targets & {"aten.matmul.default", "aten.split.Tensor", "aten.layer_norm.default"}


def test_windows_see_only_themselves() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(64, 7).eval()
    x = torch.randn(1, 14, 14, 64)
    changed = x.clone()
    changed[:, :7, :7] = torch.randn(7, 7, 64)
    apart = (block._in_windows(changed) - block._in_windows(x)).abs().amax((0, 3)) > 1e-6
    assert apart[:7, :7].all()
    assert apart.sum() == 49


def test_every_file_of_a_ratio_is_made() -> None:
    labels = {entry.label for entry in all_entries()}
    samples = {key: [1.0, 1.0] for key in labels}
    for one in works.all_duels(samples):
        assert set(one.peer.runs) | set(one.ours.runs) <= labels
    promised = [one for one in works.all_duels(samples) if one.least is not None]
    assert {(one.what, one.least) for one in promised} == {
        ("encoder", 15),
        ("encoder", 3),
        ("taps: 1", 1),
        ("everything", 60),
    }


def test_a_ratio_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "NUM_PROMPTS", 33)
    ours = works.our_everything("rmpsam-mobile-tiny")
    objects, tap = label("rmpsam-mobile-tiny objects", 512), label("rmpsam-mobile-tiny prompts", 512, 16)
    assert ours.runs == {objects: 1, tap: 3}
    decoder = {label("SAM decoder", 512, n, Form.PLAIN): [ms, ms] for n, ms in ((1, 5.0), (16, 48.0), (64, 320.0))}
    samples = decoder | {objects: [10.0, 20.0], tap: [10.0, 20.0]}
    grid = works.sam_grid(512, Form.PLAIN, samples)
    assert grid.runs == {label("SAM decoder", 512, 16, Form.PLAIN): 64}  # 3 ms a click, the fewest
    row = duel(grid, ours, 60).row(samples)
    assert (row["peer_ms"], row["ours_ms"]) == (64 * 48, 60)
    assert row["ratio"]["p50"] == pytest.approx((64 * 48 / 40 + 64 * 48 / 80) / 2)
    assert row["holds"] is False
    assert duel(grid, ours, 57).row(samples)["holds"] is True
    assert duel(grid, ours, None).row(samples)["holds"] is None


def duel(peer: works.Work, ours: works.Work, least: float | None) -> works.Duel:
    return works.Duel(
        what="a", preset="rmpsam-mobile-tiny", size=512, form=Form.PLAIN, peer=peer, ours=ours, least=least
    )


def test_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(compare, "set_threads", lambda _: None)

    def taken() -> object:
        x = np.random.default_rng(0).standard_normal((1, 8, 4, 4)).astype(np.float32)
        return capture_peer(Neck(8), Graph.ENCODER, {"x": x}, Form.REWRITTEN)

    entry = Entry(what="neck", size=64, form=Form.REWRITTEN, capture=taken)  # type: ignore[arg-type]
    files = compare.lower_all([entry], tmp_path)
    written = (tmp_path / f"{entry.label}.pte").stat().st_mtime_ns
    assert make_file(entry, tmp_path) == files[entry.label]
    assert (tmp_path / f"{entry.label}.pte").stat().st_mtime_ns == written  # made once
    assert files[entry.label].delegates == 1
    assert files[entry.label].multiply_adds > 256 * 256 * 9 * 16
    fought = duel(works.Work("peer", {entry.label: 3}), works.Work("ours", {entry.label: 1}), 2)
    monkeypatch.setattr(compare, "all_duels", lambda _: [fought])
    monkeypatch.setattr(compare, "sam_grid", lambda *_: works.Work("grid", {entry.label: 2}))
    report = compare.measure([entry], files, tmp_path, runs=2)
    assert report["duels"][0]["ratio"]["p50"] == pytest.approx(3)
    assert report["whole_grid"]["seconds"] > 0
    compare.show_files(report["files"])
    compare.show_duels(report["duels"])
    assert "2, holds" in capsys.readouterr().out
