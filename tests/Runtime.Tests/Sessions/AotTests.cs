using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>The runtime compiled ahead of time: as a program, and as a library that other languages register. Each is published once.</summary>
public sealed class AotTests(CompressedModel compressed) : IClassFixture<CompressedModel>
{
    private const int Rows = 3;
    private const int Columns = 17;

    [SkippableFact]
    public void A_published_app_gives_the_sessions_outputs()
    {
        string app = Path.Combine(NativePublish.Project("tests/AotApp"), "AotApp");
        List<string> models = [compressed.ModelPath];
        string minilm = Path.Combine(NativePublish.Root(), "..", "shared", "models", "minilm", "model.onnx");
        if (File.Exists(minilm))
        {
            models.Add(minilm);
        }
        foreach (string model in models)
        {
            string file = Path.Combine(compressed.Folder, "aot.bin");
            (int code, string log) = NativePublish.Run(app, model, file, $"{Rows}", $"{Columns}");
            Assert.True(code == 0, log);
            Assert.Contains($"verified={model == compressed.ModelPath}", log, StringComparison.Ordinal);
            Assert.Contains("has no input 'nothing'", log, StringComparison.Ordinal);
            AssertClose(Stock(model), Floats(file), 1e-5);
        }
        Skip.If(models.Count == 1, "The small model passed; MiniLM was not run: ../shared/models is absent.");
    }

    [SkippableFact]
    public void A_c_program_registers_the_native_library()
    {
        string? compiler = NativePublish.Find("cc") ?? NativePublish.Find("gcc") ?? NativePublish.Find("clang");
        Skip.If(compiler is null, "No C compiler is installed.");
        Skip.IfNot(OperatingSystem.IsLinux(), "The C program loads libraries as on Linux.");
        string package = Path.Combine(
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages"),
            "microsoft.ml.onnxruntime"
        );
        string? header = Directory.Exists(package)
            ? Directory.EnumerateFiles(package, "onnxruntime_c_api.h", SearchOption.AllDirectories).FirstOrDefault()
            : null;
        Skip.If(header is null, "The package's header is not in the NuGet cache.");
        string library = Path.Combine(NativePublish.Project("src/Runtime.Native"), "Lorq.Runtime.Native.so");
        string program = Path.Combine(compressed.Folder, "register");
        string source = Path.Combine(NativePublish.Root(), "tests", "Runtime.Tests", "Sessions", "register.c");
        (int code, string log) = NativePublish.Run(compiler, "-Wall", "-o", program, source, "-I", Path.GetDirectoryName(header)!, "-ldl");
        Assert.True(code == 0, log);

        float[] stock = Stock(compressed.ModelPath);
        float[] body = RunC("-", "-");
        Assert.Equal(stock, body);
        float[] exact = RunC(library, "exact");
        AssertClose(stock, exact, 1e-5);
        float[] rounded = RunC(library, "-");
        AssertClose(stock, rounded, 0.05);
        Assert.NotEqual(exact, rounded); // int8 activations: the kernel ran, not the body

        (code, log) = NativePublish.Run(program, OnnxRuntime(), library, "int7", compressed.ModelPath, "/dev/null", "1", "1");
        Assert.Equal(3, code);
        Assert.Contains("ai.lorq.activations is 'int7'", log, StringComparison.Ordinal);

        float[] RunC(string operators, string activations)
        {
            string file = Path.Combine(compressed.Folder, "c.bin");
            (int status, string output) = NativePublish.Run(
                program,
                OnnxRuntime(),
                operators,
                activations,
                compressed.ModelPath,
                file,
                $"{Rows}",
                $"{Columns}"
            );
            Assert.True(status == 0, output);
            return Floats(file);
        }
    }

    private static string OnnxRuntime() => Path.Combine(AppContext.BaseDirectory, "libonnxruntime.so");

    internal static float[] Floats(string file) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray();

    /// <summary>What stock ONNX Runtime gives, by the function bodies.</summary>
    private static float[] Stock(string model)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        using var session = new InferenceSession(model, options);
        long[] ids = [.. Enumerable.Range(0, Rows * Columns).Select(i => 7L * i % 400)];
        long[] ones = [.. Enumerable.Repeat(1L, Rows * Columns)];
        OrtValue[] inputs =
        [
            .. session.InputNames.Select((_, i) => OrtValue.CreateTensorValueFromMemory(i == 0 ? ids : ones, [Rows, Columns])),
        ];
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, session.InputNames, inputs, session.OutputNames);
        Array.ForEach(inputs, v => v.Dispose());
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    internal static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        float largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, tolerance * largest));
    }
}
