from regsweep.data.__main__ import main


def test_the_folder_is_printed(source, root, monkeypatch, capsys):
    monkeypatch.setenv("REGSWEEP_DATA", str(root))
    assert main(["digits"]) == 0
    assert capsys.readouterr().out == f"{root}/MNIST/raw\n"


def test_bad_input_is_one_message_and_exit_code_1(capsys):
    assert main(["mnsit"]) == 1
    assert "data=mnsit" in capsys.readouterr().err
