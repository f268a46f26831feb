package org.rmpsam.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.nio.FloatBuffer

/** Kotlin answers what Python answers, case by case. */
class VectorsTest {
    @Test
    fun picturesAreFittedAndPointsAndBoxesMapped() {
        for (case in Vectors.read("fits").list()) {
            val fit = Fit.of(case["picture"].extent(), case["size"].extent())
            assertEquals(case["fitted"].extent(), fit.fitted)
            val points = case["points"].list().map { Position(it.doubles()[0], it.doubles()[1]) }
            val mapped = points.map(fit::toInput)
            assertClose("points", case["points_in_input"].list().flatMap { it.doubles() }, mapped.numbers(), 1e-9)
            assertClose("and back", points.numbers(), mapped.map(fit::toPicture).numbers(), 1e-9)
            val (x1, y1, x2, y2) = case["box"].doubles()
            val box = fit.toInput(Box(x1, y1, x2, y2))
            assertClose("box", case["box_in_input"].doubles(), listOf(box.x1, box.y1, box.x2, box.y2), 1e-9)
        }
    }

    @Test
    fun resizingIsExact() {
        for (case in Vectors.read("resizes").list()) {
            val resized = case["picture"].picture().resized(case["target"].extent())
            assertArrayEquals(case["resized"].picture().pixels, resized.pixels)
        }
    }

    @Test
    fun canvasesAreNormalisedAndPadded() {
        for (case in Vectors.read("canvases").list()) {
            val values = PixelValues(contract(case["size"].extent(), case["mean"].doubles(), case["std"].doubles()))
            val canvas = FloatBuffer.allocate(values.numel)
            repeat(2) { canvas.put(it, Float.NaN) } // what a run before has left
            values.write(case["picture"].picture(), canvas)
            val got = canvas.array().map(Float::toDouble)
            assertClose("canvas", case["pixel_values"].values().doubles(), got, case["tolerance"].double())
        }
    }

    @Test
    fun promptsFillSlots() {
        val vectors = Vectors.read("prompts")
        val fit = Fit.of(vectors["picture"].extent(), vectors["size"].extent())
        for (case in vectors["cases"].list()) {
            val prompts = case["prompts"].list().map { it.prompt().checked(contract(), fit.picture) }
            val slots = PromptSlots.of(prompts, fit, contract().sizes)
            val given =
                mapOf(
                    "points" to slots.points,
                    "labels" to slots.labels,
                    "boxes" to slots.boxes,
                    "image_size" to slots.imageSize,
                )
            given.forEach { (name, values) ->
                assertArrayEquals(name, case["filled"][name].values().floats(), values, 0f)
            }
        }
    }

    @Test
    fun badPromptsAreRefused() {
        val vectors = Vectors.read("prompts")
        for (case in vectors["refused"].list()) {
            assertThrows(case.error()) { case["prompt"].prompt().checked(contract(), vectors["picture"].extent()) }
        }
    }

    @Test
    fun masksAreDecodedExactly() {
        for (case in Vectors.read("masks").list()) {
            val fit = Fit.of(case["picture"].extent(), case["size"].extent())
            val grid = case["mask_logits"]["shape"].extent()
            val mask = MaskDecoder(fit, grid).mask(case["mask_logits"].values().floats(), 0, 0.0)
            assertEquals(case["area"].int(), mask.area)
            assertEquals(case["mask"]["runs"].ints(), runs(mask.inside))
        }
    }

    @Test
    fun panopticMapsAreMerged() {
        for (case in Vectors.read("panoptics").list()) {
            val merge = PanopticMerge(case["num_things"].int(), case["object_mask"].double(), case["iou"].double())
            val map = merge.merge(case["class_logits"].values().floats(), stack(case["mask_logits"]))
            assertEquals(case["map"].values().ints(), map.values.toList())
            val wanted =
                case["segments"].list().map {
                    PanopticSegment(
                        it["id"].int(),
                        it["label"].int(),
                        it["is_thing"] as Boolean,
                        it["area"].int(),
                        it["box"].ints(),
                    )
                }
            assertEquals(wanted, map.segments)
        }
    }

    @Test
    fun latenciesAreSummarisedAndRefused() {
        val vectors = Vectors.read("latencies")
        for (case in vectors["quantiles"].list()) {
            assertEquals(
                case["quantile"].double(),
                Series.quantile(case["values"].doubles(), case["share"].double()),
                1e-9,
            )
        }
        for (case in vectors["series"].list()) {
            val rounds = case["rounds"].list().map { it.doubles() }
            val refusals = Series.refusals(rounds, case["clock_step_ms"].double())
            assertEquals(case["name"].text(), case["refusals"], refusals)
            val unusable = rounds.isEmpty() || "nonpositive-sample" in refusals
            assertEquals(
                case["name"].text(),
                case["warnings"],
                if (unusable) emptyList<String>() else Series.warnings(rounds),
            )
        }
    }

    @Test
    fun manifestsAreReadOrRefused() {
        val vectors = Vectors.read("manifests")
        val good = Manifest.of(vectors["good"])
        assertEquals(vectors["good"]["contract"]["class_names"], good.contract.classNames)
        val inputs = vectors["good"]["graphs"]["prompts"]["inputs"].list()
        assertEquals(inputs.map { it["name"] }, good.artifact(Graph.PROMPTS)?.inputs?.map { it.name })
        for (case in vectors["bad"].list()) {
            assertThrows(case["name"].text(), case.error()) { Manifest.of(case["manifest"]) }
        }
    }

    @Test
    fun theGoldenPictureIsPythons() {
        val vectors = Vectors.read("goldens")
        val about = vectors["contract"]
        val inputs =
            GoldenInputs.of(
                contract(
                    about["size"].extent(),
                    about["mean"].doubles(),
                    about["std"].doubles(),
                    about["num_points"].int(),
                ),
            )
        val pixels = vectors["pixel_values"]
        val thinned = inputs.pixels.filterIndexed { index, _ -> index % pixels["stride"].int() == 0 }
        assertClose("pixels", pixels.values().doubles(), thinned.map { it.toDouble() }, pixels["tolerance"].double())
        listOf("points", "labels", "boxes", "image_size").zip(inputs.slots.inOrder) { name, values ->
            assertArrayEquals(name, vectors["prompts"][name].values().floats(), values, 1e-6f)
        }
    }

    @Test
    fun goldenAnswersAreJudged() {
        val vectors = Vectors.read("goldens")
        val stored = golden(vectors["stored"])
        for (case in vectors["judged"].list()) {
            val passes = stored.judge(golden(case["now"])).associate { "${it.graph.key}/${it.name}" to it.passes }
            assertEquals(case["name"].text(), case["passes"], passes)
        }
    }

    private fun List<Position>.numbers() = flatMap { listOf(it.x, it.y) }

    private fun Any?.error(): Class<out RmpSamException> =
        if (this["error"] == "unsupported") UnsupportedException::class.java else InputException::class.java

    private fun golden(values: Any?) =
        Golden((values as Map<*, *>).entries.associate { (key, value) -> key.text() to value.floats() })

    private fun stack(logits: Any?): MaskStack {
        val (count, height, width) = logits["shape"].ints()
        val values = logits.values().floats()
        return object : MaskStack {
            override val count = count
            override val extent = Extent(height, width)

            override fun logits(query: Int) = values.copyOfRange(query * extent.area, (query + 1) * extent.area)
        }
    }

    private fun runs(inside: BooleanArray): List<Int> {
        val runs = mutableListOf<Int>()
        var current = false
        var start = 0
        for (at in inside.indices) {
            if (inside[at] == current) continue
            runs += at - start
            start = at
            current = inside[at]
        }
        return runs + (inside.size - start)
    }
}
