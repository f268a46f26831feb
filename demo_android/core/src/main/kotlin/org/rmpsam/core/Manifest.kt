package org.rmpsam.core

/** Name, static shape, dtype and meaning of one tensor at a graph's border. */
public data class TensorSpec(
    val name: String,
    val shape: List<Int>,
    val meaning: String,
    val dtype: String,
) {
    /** Number of values. */
    val numel: Int get() = shape.fold(1, Int::times)
}

/** An operator that the delegate did not take: how often, and its share of the graph's multiply-adds. */
public data class Leftover(
    val operator: String,
    val count: Int,
    val macShare: Double,
)

/** How much of a graph the delegate took, by operators and by multiply-adds. */
public data class Delegation(
    val delegate: String,
    val subgraphs: Int,
    val operatorsDelegated: Int,
    val operatorsTotal: Int,
    val macsDelegated: Long,
    val macsTotal: Long,
    val leftovers: List<Leftover>,
) {
    /** Delegated share of the multiply-adds, 0 to 1. */
    val macShare: Double get() = macsDelegated.toDouble() / maxOf(macsTotal, 1)
}

/**
 * One lowered graph.
 *
 * @property path below the bundle; several graphs of one file are its methods, named as they are.
 * @property target engine and delegate; whether it can run here is for the engine to say.
 * @property plannedMemoryBytes null where the engine does not tell.
 */
public data class Artifact(
    val path: String,
    val graph: Graph,
    val target: String,
    val precision: String,
    val sizeBytes: Long,
    val inputs: List<TensorSpec>,
    val outputs: List<TensorSpec>,
    val delegation: Delegation,
    val plannedMemoryBytes: Long?,
)

/** Hash and length of one file. */
public data class FileEntry(
    val sha256: String,
    val sizeBytes: Long,
)

/** How weights and activations are stored. */
public data class Recipe(
    val name: String,
    val calibrationSha256: String?,
    val calibrationPictures: Int,
)

/**
 * All that an app reads; the keys are those of docs/bundle.md.
 *
 * @property files every file of the bundle but the manifest and SHA256SUMS.
 * @property leftOut every graph that is not here, and why.
 */
public data class Manifest(
    val name: String,
    val contract: ModelContract,
    val checkpointSha256: String,
    val graphs: Map<String, Artifact>,
    val rewrites: Map<String, Int>,
    val recipe: Recipe,
    val leftOut: Map<String, String>,
    val versions: Map<String, String>,
    val lowestRuntime: Map<String, String>,
    val licences: Map<String, String>,
    val goldenSource: String,
    val files: Map<String, FileEntry>,
    val schema: Int,
) {
    /** The artifact of [graph], or null where it was left out. */
    public fun artifact(graph: Graph): Artifact? = graphs[graph.key]

    public companion object {
        /** The newest schema that this program reads. */
        public const val SCHEMA: Int = 2

        /**
         * Reads a manifest.
         *
         * @throws UnsupportedException a newer schema.
         * @throws InputException a key is missing, unknown or of the wrong type, or a path leaves the folder.
         */
        public fun of(document: Any?): Manifest = ManifestReader.read(document)

        /**
         * Reads a manifest from its text.
         *
         * @throws UnsupportedException a newer schema.
         * @throws InputException as [of], or the text is no JSON.
         */
        public fun parse(text: String): Manifest =
            try {
                of(Json.parse(text))
            } catch (error: JsonException) {
                damaged("the manifest is no JSON (${error.message})")
            }
    }
}
