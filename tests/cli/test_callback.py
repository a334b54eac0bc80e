import gc

from regsweep.cli.callback import RegsweepCallback
from regsweep.records.claim import RELEASED, claim_on
from regsweep.records.folder import hold


def test_the_folder_is_let_go_of_where_the_command_does_not_come_to_its_end(tmp_path):
    callback = RegsweepCallback()
    callback.held.enter_context(hold("hydra.run.dir", tmp_path, []))
    assert claim_on(tmp_path).beat != RELEASED

    del callback
    gc.collect()

    assert claim_on(tmp_path).beat == RELEASED
