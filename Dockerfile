# One image that trains (`docker run IMAGE train`) and serves (`docker run IMAGE serve`).
#
# What changes least comes first: editing algorithm/ rebuilds the last layer only. All that needs
# a compiler, a package index or a JDK happens in stages that the image keeps nothing of but the
# folders named in its COPY lines. docs/image.md says more.

ARG BASE=python:3.12-slim-bookworm


# ---- tools: what builds the rest --------------------------------------------------------------
FROM ${BASE} AS tools
# One time stamp for whatever notes one: two builds give the same files.
ENV SOURCE_DATE_EPOCH=1577836800 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN printf 'Acquire::Retries "5";\nAPT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n' \
    > /etc/apt/apt.conf.d/90build \
 && apt-get update && apt-get install binutils gcc libc6-dev
WORKDIR /build
COPY requirements/uv.txt requirements/build.txt ./
RUN python -m venv /tools && /tools/bin/pip install --require-hashes -r uv.txt -r build.txt


# ---- python: the environment, from locked requirements ----------------------------------------
FROM tools AS python
ENV UV_SYSTEM_CERTS=1 UV_NO_CACHE=1 UV_LINK_MODE=copy CFLAGS=-g0
COPY requirements/serve.txt requirements/train.txt requirements/distributed.txt requirements/skops.txt ./
RUN python -m venv --without-pip /opt/venv \
 && /tools/bin/uv pip install --python /opt/venv/bin/python --require-hashes \
    --build-constraints build.txt -r serve.txt -r train.txt -r distributed.txt -r skops.txt
COPY docker/build_steps/trim_environment.py docker/build_steps/compile_bytecode.py ./
RUN python trim_environment.py /opt/venv && python compile_bytecode.py /opt/venv/lib /
# The base image has no bytecode for most of the standard library.
RUN python compile_bytecode.py /usr/local/lib/python3.* /bytecode


# ---- java: a runtime of the modules that multi-model-server's frontend needs ------------------
FROM tools AS java
RUN apt-get install openjdk-17-jdk-headless
COPY --from=python /opt/venv /opt/venv
COPY docker/build_steps/link_java_runtime.py docker/build_steps/class_archive.py docker/build_steps/classes.txt ./
RUN jar=$(echo /opt/venv/lib/python3.*/site-packages/mms/frontend/model-server.jar) \
 && python link_java_runtime.py $jar /opt/java && python class_archive.py $jar /opt/java classes.txt
COPY docker/build_steps/frontend_jar.py ./
COPY handler/frontend/src guard
RUN python frontend_jar.py /opt/venv/lib/python3.*/site-packages/mms/frontend/model-server.jar guard guard.jar


# ---- byo: our own packages --------------------------------------------------------------------
FROM python AS byo
COPY pyproject.toml README.md LICENSE ./
COPY contract contract
COPY handler handler
COPY --from=java /build/guard.jar handler/frontend/
COPY training_entry training_entry
COPY byo byo
COPY compat compat
RUN /tools/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/venv/bin/pip install --no-index --no-deps --no-compile --find-links dist --prefix /stage/opt/venv byo \
 && python compile_bytecode.py /stage /stage


# ---- program: the algorithm folder and our commands, readable by any user ---------------------
FROM ${BASE} AS program
ARG ALGORITHM=algorithm
WORKDIR /build
COPY contract contract
COPY docker/image_commands /opt/byo/bin
COPY ${ALGORITHM} /opt/program
RUN touch /opt/program/requirements.txt && chmod -R u=rwX,go=rX /opt/program && chmod 755 /opt/byo/bin/* \
 && python -m contract.requirements.image_build gather /opt/program /opt/requirements \
 && if [ -f /opt/program/apt.txt ]; then cp /opt/program/apt.txt /opt; else touch /opt/apt.txt; fi


# ---- the image --------------------------------------------------------------------------------
FROM ${BASE}
ENV PATH=/opt/byo/bin:/opt/venv/bin:$PATH JAVA_HOME=/opt/java LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    BYO_LOG_FORMAT=auto BYO_ALGORITHM_DIR=/opt/program SAGEMAKER_TRAINING_MODULE=training_entry.main:main
COPY --from=python /bytecode /
COPY --from=java /opt/java /opt/java
COPY --from=python /opt/venv /opt/venv
# Libraries of the system that wheels do not bring: OpenMP's, which the boosters need, and what
# the algorithm's apt.txt names. apt's notes would differ from build to build.
COPY --from=program /opt/apt.txt /opt/byo/
RUN apt-get update -o Acquire::Retries=5 \
 && sed 's/#.*//; s/\r//' /opt/byo/apt.txt | xargs apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* /var/log/apt /var/log/*.log
COPY --from=byo /stage /
COPY --from=program /opt/byo /opt/byo
COPY --from=program /opt/requirements /opt/program
RUN SOURCE_DATE_EPOCH=1577836800 python -P -m contract.requirements.image_build install /opt/program
COPY --from=program /opt/program /opt/program
WORKDIR /opt/program
# SageMaker: several models in one container, and a port of SageMaker's choosing.
LABEL com.amazonaws.sagemaker.capabilities.multi-models=true \
      com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      org.opencontainers.image.title=byo \
      org.opencontainers.image.description="Bring your own scikit-learn algorithm to Amazon SageMaker" \
      org.opencontainers.image.licenses=Apache-2.0
EXPOSE 8080
ENTRYPOINT ["/opt/byo/bin/entrypoint"]
CMD ["serve"]
