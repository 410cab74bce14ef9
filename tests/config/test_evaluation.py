"""What of `evaluate` scores depend on."""

from flexmore.config.evaluation import EvaluateSettings, HourJobs


def test_scores_do_not_depend_on_where_they_are_computed() -> None:
    elsewhere = EvaluateSettings(device="cpu", batch_tokens=99, gpu_memory=80.0, max_gpus=2, jobs=HourJobs())
    assert elsewhere.result_settings == EvaluateSettings().result_settings
    assert EvaluateSettings(limit=5).result_settings != EvaluateSettings().result_settings


def test_numbers_that_snakemake_hands_on_as_text_are_numbers() -> None:
    found = EvaluateSettings.model_validate({"gpu_memory": "80", "max_gpus": "2"})
    assert (found.gpu_memory, found.max_gpus) == (80.0, 2)
