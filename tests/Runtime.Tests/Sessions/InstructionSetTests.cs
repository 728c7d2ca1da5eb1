using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Which instruction set a process runs: .NET's switches take some from the processor, as an older processor lacks them.</summary>
public sealed class InstructionSetTests(CompressedModel compressed) : IClassFixture<CompressedModel>
{
    [Theory]
    [InlineData("DOTNET_EnableAVX512", nameof(InstructionSet.Avx512))]
    [InlineData("DOTNET_EnableAVXVNNI", nameof(InstructionSet.AvxVnni))]
    [InlineData("DOTNET_EnableAVX2", nameof(InstructionSet.Avx512), nameof(InstructionSet.AvxVnni), nameof(InstructionSet.Avx2))]
    [InlineData("DOTNET_EnableArm64Dp", nameof(InstructionSet.Arm))]
    [InlineData(
        "DOTNET_EnableHWIntrinsic",
        nameof(InstructionSet.Avx512),
        nameof(InstructionSet.AvxVnni),
        nameof(InstructionSet.Avx2),
        nameof(InstructionSet.Arm)
    )]
    public void The_best_that_is_left_is_chosen_and_gives_the_same(string off, params string[] without)
    {
        InstructionSet best = CpuKernels.Supported.Where(isa => !without.Contains(isa.ToString())).Max();
        foreach ((string rows, string columns) in ((string, string)[])[("1", "1"), ("3", "17")])
        {
            AotTests.AssertClose(Run(null, CpuKernels.Best, rows, columns, "exact"), Run(off, best, rows, columns, "exact"), 1e-5);
            // An activation that another order of sums moves across a half is rounded to another code.
            AotTests.AssertClose(Run(null, CpuKernels.Best, rows, columns, "int8"), Run(off, best, rows, columns, "int8"), 0.02);
        }
    }

    private float[] Run(string? off, InstructionSet expected, string rows, string columns, string activations)
    {
        string file = Path.Combine(compressed.Folder, "isa.bin");
        // The app as the build made it, of this test's configuration.
        string tests = Path.Combine(NativePublish.Root(), "tests");
        string built = Path.GetRelativePath(Path.Combine(tests, "Runtime.Tests"), AppContext.BaseDirectory);
        string app = Path.Combine(tests, "AotApp", built, "AotApp.dll");
        (int code, string log) = NativePublish.Run(
            NativePublish.Dotnet,
            off,
            ["exec", app, compressed.ModelPath, file, rows, columns, activations]
        );
        Assert.True(code == 0, log);
        Assert.Contains($" {expected} ", log, StringComparison.Ordinal);
        return AotTests.Floats(file);
    }
}
