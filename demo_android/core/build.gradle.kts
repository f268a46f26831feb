import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    explicitApi()
    compilerOptions {
        jvmTarget = JvmTarget.fromTarget(libs.versions.jvmTarget.get())
        allWarningsAsErrors = true
    }
}

java {
    val version = JavaVersion.toVersion(libs.versions.jvmTarget.get())
    sourceCompatibility = version
    targetCompatibility = version
}

dependencies {
    testImplementation(libs.junit)
}

tasks.test {
    // The same files that the tests of Python and Swift read.
    val vectors = rootDir.resolve("../tests/golden/vectors")
    inputs.dir(vectors)
    systemProperty("rmpsam.vectors", vectors.path)
}
