using System.Runtime.InteropServices;

namespace Lorq.Numerics;

/// <summary>
/// Makes libtorch's products independent of where arrays happen to lie in memory. Its BLAS (MKL) else picks another order of summation for
/// operands that are not 64-byte aligned, and thin products of managed arrays then differ in their last bits from run to run: enough to
/// tip a near-tie between two plans. Measured: no slower (dgemm 768³ 0.93–1.07×, products with eight columns 0.65–0.72× the time).
/// </summary>
/// <remarks>oneMKL developer guide, "Obtaining Numerically Reproducible Results": conditional numerical reproducibility (CNR) modes.</remarks>
internal static partial class ReproducibleProducts
{
    private const string Variable = "MKL_CBWR";

    /// <summary>The fastest kernels of this processor, the same ones for any alignment.</summary>
    private const string Mode = "AUTO";

    /// <summary>
    /// Asks for it, before the first call of the library: it looks only then. A value that the user has set stays. The variable goes into the
    /// native environment, which .NET's own copy does not reach.
    /// </summary>
    public static void Request()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            return;
        }
        if (OperatingSystem.IsWindows())
        {
            _ = SetInWindows(Variable, Mode);
        }
        else
        {
            _ = SetInUnix(Variable, Mode, 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInUnix(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetInWindows(string name, string value);
}
