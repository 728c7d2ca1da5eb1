extern alias tasks;

using System.Diagnostics;
using tasks::Lorq.Build;

namespace Lorq.Build.Tests;

/// <summary>What goes to the compiler and what comes back.</summary>
public sealed class CompilerCallTests
{
    [Theory]
    [InlineData("/a b/ß(1).json(3,7): error LORQ0203: There is no key.", "/a b/ß(1).json", 3, 7, "LORQ0203", "There is no key.")]
    [InlineData("/m/x.onnx: error LORQ0101: It is no model.", "/m/x.onnx", 0, 0, "LORQ0101", "It is no model.")]
    [InlineData("lorq: error LORQ0206: No budget: none.", "", 0, 0, "LORQ0206", "No budget: none.")]
    [InlineData("--budget: error LORQ0201: 'x' is no budget.", "", 0, 0, "LORQ0201", "--budget: 'x' is no budget.")]
    [InlineData("lorq: internal error: Oops.", "", 0, 0, "", "The compiler has a defect: Oops.")]
    public void ErrorsAreRead(string line, string file, int row, int column, string code, string text)
    {
        CompilerMessage message = CompilerMessage.Parse(line)!;
        Assert.Equal(
            (file, row, column, code, text, true),
            (message.File, message.Line, message.Column, message.Code, message.Text, message.IsError)
        );
    }

    [Fact]
    public void ProgressIsNoMessage()
    {
        Assert.Null(CompilerMessage.Parse("Calibration 40 %, about 3 s left"));
        Assert.False(CompilerMessage.Parse("warning: the cache is full")!.IsError);
    }

    /// <summary>What .NET cuts the text into on this system is what was put in.</summary>
    [Fact]
    public void ArgumentsComeThroughUnchanged()
    {
        string[] arguments = ["a b", "", "c\"d", "e\\", "f g\\", "h\\\"i j", "ß\tx", "25%"];
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "cmd" : "printf") { RedirectStandardOutput = true };
        if (OperatingSystem.IsWindows())
        {
            return; // No program that prints its arguments apart is everywhere there.
        }
        start.Arguments = CompilerRun.CommandLine(["%s\\n", .. arguments]);
        using Process process = Process.Start(start)!;
        Assert.Equal(string.Concat(arguments.Select(a => a + "\n")), process.StandardOutput.ReadToEnd());
    }
}
