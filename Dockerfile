# The five commands without torch, for CPUs. Build the wheels first:
#
#     uv build --all-packages --no-sources --wheel && docker build -t moskit .
#     docker run --rm -v "$PWD:/data" moskit labeljoin inspect features.parquet --labels labels.csv
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
COPY dist/*.whl /wheels/
# The versions of the wheels, so that none of them comes from an index.
RUN python -m venv /opt/moskit \
    && /opt/moskit/bin/pip install --no-cache-dir --find-links=/wheels \
        /wheels/moskit_provenance-*.whl /wheels/moskit_labeljoin-*.whl \
        /wheels/moskit_secondopinion-*.whl /wheels/moskit_signalaudit-*.whl \
        "moskit-moshead[train] @ file://$(ls /wheels/moskit_moshead-*.whl)"

FROM python:${PYTHON}-slim
# onnxruntime and scipy need the OpenMP runtime.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 moskit
COPY --from=build /opt/moskit /opt/moskit
ENV PATH=/opt/moskit/bin:$PATH PYTHONUNBUFFERED=1
USER moskit
WORKDIR /data
CMD ["labeljoin", "--help"]
