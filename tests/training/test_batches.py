import torch

from regsweep.training.batches import Shuffler

CPU = torch.device("cpu")


def batches(seeds, count=300, size=64, epochs=1):
    shuffler = Shuffler(seeds, count, size, CPU)
    return [list(shuffler.epoch()) for _ in range(epochs)]


def test_an_epoch_shows_every_example_once_but_the_partial_batch():
    [epoch] = batches([0])

    assert [batch.shape for batch in epoch] == [(1, 64)] * (300 // 64)
    shown = torch.cat(epoch, dim=1).flatten()
    assert len(set(shown.tolist())) == len(shown)
    assert 0 <= shown.min() <= shown.max() < 300


def test_every_epoch_is_shuffled_anew():
    first, second = batches([0], epochs=2)

    assert not torch.equal(first[0], second[0])


def test_equal_seeds_see_equal_batches_in_any_company():
    [alone] = batches([3])
    [together] = batches([3, 3])
    [mixed] = batches([0, 3, 1, 3])

    for one, pair, many in zip(alone, together, mixed, strict=True):
        assert torch.equal(pair, one)
        assert many.shape == (4, 64)
        assert torch.equal(many[1], one[0])
        assert torch.equal(many[3], one[0])
    assert not torch.equal(mixed[0][0], mixed[0][1])


def test_the_global_generator_plays_no_part():
    torch.manual_seed(0)
    [first] = batches([5])
    torch.manual_seed(1)
    [second] = batches([5])

    assert torch.equal(first[0], second[0])
