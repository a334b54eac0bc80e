import torch

from regsweep.training.batches import Shuffler


def batches(seeds, examples, size, epochs=1):
    shuffler = Shuffler(seeds, examples, size)
    return [
        [(images.clone(), labels.clone()) for images, labels in shuffler.epoch()]
        for _ in range(epochs)
    ]


def test_an_epoch_shows_every_example_once_but_the_partial_batch(digits):
    [epoch] = batches([0], digits.train, 64)

    assert len(epoch) == len(digits.train) // 64
    shown = torch.cat([images[0] for images, _ in epoch]).mul(255).round().byte()
    known = {image.numpy().tobytes() for image in digits.train.images}
    assert len({image.numpy().tobytes() for image in shown}) == len(epoch) * 64
    assert all(image.numpy().tobytes() in known for image in shown)


def test_every_epoch_is_shuffled_anew(digits):
    first, second = batches([0], digits.train, 64, epochs=2)

    assert not torch.equal(first[0][0], second[0][0])


def test_equal_seeds_see_equal_batches_in_any_company(digits):
    [alone] = batches([3], digits.train, 32)
    [mixed] = batches([0, 3, 1, 3], digits.train, 32)

    for (images, labels), (many, labels_of_many) in zip(alone, mixed, strict=True):
        for place in (1, 3):
            assert torch.equal(many[place], images[0])
            assert torch.equal(labels_of_many[place], labels[0])
    assert not torch.equal(mixed[0][0][0], mixed[0][0][1])


def test_the_global_generator_plays_no_part(digits):
    torch.manual_seed(0)
    [first] = batches([5], digits.train, 32)
    torch.manual_seed(1)
    [second] = batches([5], digits.train, 32)

    assert torch.equal(first[0][0], second[0][0])
