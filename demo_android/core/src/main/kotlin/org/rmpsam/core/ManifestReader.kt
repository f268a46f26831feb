package org.rmpsam.core

/** From plain JSON values to a [Manifest]; every key exactly once, nothing else. */
internal object ManifestReader {
    fun read(document: Any?): Manifest {
        val schema = (document as? Map<*, *>)?.get("schema")
        if (schema is Long && schema > Manifest.SCHEMA) {
            throw UnsupportedException(
                Problem.BUNDLE_NEWER,
                "the manifest has schema $schema; this app reads up to ${Manifest.SCHEMA}; update the app",
            )
        }
        if (schema != Manifest.SCHEMA.toLong()) damaged("the manifest has schema $schema; wanted ${Manifest.SCHEMA}")
        val manifest = JsonFields(document, "manifest").whole(::manifest)
        (manifest.files.keys + manifest.graphs.values.map { it.path }).forEach(::refuseLeavingName)
        return manifest
    }

    private fun manifest(fields: JsonFields) =
        Manifest(
            name = fields.text("name"),
            contract = fields.child("contract", ::contract),
            checkpointSha256 = fields.text("checkpoint_sha256"),
            graphs = fields.entries("graphs") { inner, key -> inner.child(key, ::artifact) },
            rewrites = fields.entries("rewrites") { inner, key -> inner.int(key) },
            recipe = fields.child("recipe", ::recipe),
            leftOut = fields.entries("left_out") { inner, key -> inner.text(key) },
            versions = fields.entries("versions") { inner, key -> inner.text(key) },
            lowestRuntime = fields.entries("lowest_runtime") { inner, key -> inner.text(key) },
            licences = fields.entries("licences") { inner, key -> inner.text(key) },
            goldenSource = fields.text("golden_source"),
            files = fields.entries("files") { inner, key -> inner.child(key, ::fileEntry) },
            schema = fields.int("schema"),
        )

    private fun contract(fields: JsonFields) =
        ModelContract(
            preset = fields.text("preset"),
            trained = fields.flag("trained"),
            sizes = fields.child("sizes", ::sizes),
            mean = fields.doubles("mean", CHANNELS),
            std = fields.doubles("std", CHANNELS),
            clickHalfWidth = fields.double("click_half_width"),
            classNames = fields.texts("class_names"),
            numThings = fields.int("num_things"),
            thresholds = fields.child("thresholds", ::thresholds),
        )

    private fun sizes(fields: JsonFields): GraphSizes {
        val (height, width) = fields.ints("size", 2)
        return GraphSizes(
            size = Extent(height, width),
            channels = fields.int("channels"),
            queryWidth = fields.intOrNull("query_width"),
            numQueries = fields.int("num_queries"),
            numClasses = fields.int("num_classes"),
            numSlots = fields.int("num_slots"),
            numPoints = fields.int("num_points"),
            clipFrames = fields.int("clip_frames"),
        )
    }

    private fun thresholds(fields: JsonFields) =
        Thresholds(
            mask = fields.double("mask"),
            objectMask = fields.double("object_mask"),
            iou = fields.double("iou"),
            maxInstances = fields.int("max_instances"),
        )

    private fun artifact(fields: JsonFields) =
        Artifact(
            path = fields.text("path"),
            graph = graph(fields),
            target = fields.text("target"),
            precision = fields.text("precision"),
            sizeBytes = fields.long("size_bytes"),
            inputs = fields.objects("inputs", ::tensor),
            outputs = fields.objects("outputs", ::tensor),
            delegation = fields.child("delegation", ::delegation),
            plannedMemoryBytes = fields.longOrNull("planned_memory_bytes"),
        )

    private fun graph(fields: JsonFields): Graph {
        val key = fields.text("graph")
        return Graph.of(key) ?: damaged("${fields.at("graph")} is $key, an unknown graph")
    }

    private fun tensor(fields: JsonFields) =
        TensorSpec(
            name = fields.text("name"),
            shape = fields.ints("shape"),
            meaning = fields.text("meaning"),
            dtype = fields.text("dtype"),
        )

    private fun delegation(fields: JsonFields) =
        Delegation(
            delegate = fields.text("delegate"),
            subgraphs = fields.int("subgraphs"),
            operatorsDelegated = fields.int("operators_delegated"),
            operatorsTotal = fields.int("operators_total"),
            macsDelegated = fields.long("macs_delegated"),
            macsTotal = fields.long("macs_total"),
            leftovers = fields.objects("leftovers", ::leftover),
        )

    private fun leftover(fields: JsonFields) =
        Leftover(
            operator = fields.text("operator"),
            count = fields.int("count"),
            macShare = fields.double("mac_share"),
        )

    private fun fileEntry(fields: JsonFields) =
        FileEntry(sha256 = fields.text("sha256"), sizeBytes = fields.long("size_bytes"))

    private fun recipe(fields: JsonFields) =
        Recipe(
            name = fields.text("name"),
            calibrationSha256 = fields.textOrNull("calibration_sha256"),
            calibrationPictures = fields.int("calibration_pictures"),
        )

    private const val CHANNELS = 3
}
